-- Which hours were out of stock, expected sales if in stock beside demand, the mean of a season's week, rows behind a score.
alter table stock_day add column if not exists out_mask integer;
alter table demand_forecast add column if not exists in_stock_kg double;
alter table demand_forecast add column if not exists in_stock_expected_kg double;
alter table demand_forecast add column if not exists has_stock_record boolean;
alter table season_forecast add column if not exists expected_kg double;
alter table forecast_score add column if not exists rows_scored bigint;
