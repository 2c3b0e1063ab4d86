-- Offending rows: conversion_date x conversion_kind whose tracked conversions are not those that have a journey.
{{ coverage_differs_from_journeys('gpay') }}
