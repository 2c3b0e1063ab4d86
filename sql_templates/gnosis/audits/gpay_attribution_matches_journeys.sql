-- Offending rows: lookback x conversion kind whose marts do not add up to the conversions that happened.
{{ attribution_differs_from_journeys('gpay') }}
