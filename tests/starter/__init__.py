"""The starter stack, built for real and held against the references of tests/oracle."""
