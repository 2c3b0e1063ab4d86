{{ config(materialized='table', tags=['staging', 'mmm']) }}
-- Grain: usable row of token_prices_daily, with the price in EURE of the same day, which stands for the euro.
WITH prices AS (
  {{ staged_source('token_prices_daily', {'date': 'DATE', 'symbol': 'VARCHAR', 'price': 'DOUBLE'}) | indent(2) }}
),

euro_prices AS (
  SELECT
    date,
    avg(price) AS price
  FROM prices
  WHERE upper(symbol) = 'EURE'
  GROUP BY date
)

SELECT
  prices.date,
  upper(prices.symbol) AS symbol,
  prices.price,
  {{ ratio('prices.price', 'euro_prices.price') }} AS price_eur
FROM prices
LEFT JOIN euro_prices ON prices.date = euro_prices.date
