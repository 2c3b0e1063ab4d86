{# The ratios of a channel summary, from the totals of its own grain. #}
{% macro channel_ratios() -%}
{{ ratio('spend', 'clicks') }} AS cpc,
1000 * {{ ratio('spend', 'impressions') }} AS cpm,
{{ ratio('clicks', 'impressions') }} AS ctr,
{{ ratio('spend', 'attributed_conversions') }} AS cpa,
{{ ratio('attributed_revenue', 'spend') }} AS roas
{%- endmacro %}
