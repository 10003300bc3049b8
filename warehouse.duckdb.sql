-- warehouse.duckdb.sql: the whole schema of the Anxu warehouse, applied by warehouse.Warehouse.open.
--
-- Layers: ledger → places and things → facts → forecasts → recommendations → runs.
-- Units stand in the names: _kg, _mu, _yuan, _yuan_per_kg, _c (°C), _mm, _hours; _share is 0–1.
-- Days are local days of the settings' time zone; `timestamptz` is an instant (UTC inside).
--
-- A table with `known_at` in its key is append-only: a fact is its natural key, and each change is a new version.
-- Reading with a cutoff takes the newest version of each key that was known by then.
-- `-- refers: COLUMN TABLE` stands for a foreign key in tables that others reference: DuckDB would take a corrected row for
-- a deleted one. Taking in holds to it all the same.
--
-- Large tables (order_line, raw_reading, reading) carry their key as a comment instead of an index: taking in merges
-- on it; an index would cost more than twice as much (docs/decisions/0002-keys-without-index.md). A `-- rank:`
-- comment names the column that orders versions before `known_at` does (docs/decisions/0003-versions-and-cutoff.md).

-- One row per schema version this file has been at; the newest row is the present one.
create table if not exists schema_version (
    version       integer primary key,
    schema_sha256 text not null,                               -- of the schema text last applied at this version
    applied_at    timestamptz not null
);

-- ───────────────────────────── ledger: what came in, what was refused ─────────────────────────────

-- One row per file taken in. rows_read = taken + unchanged + dropped + rejected.
create table if not exists source_file (
    file_id        text primary key,                           -- sha256 of the bytes, hex
    name           text not null,                              -- file name without its folder
    kind           text not null,                              -- what it was recognised as: orders, readings, plot, …
    profile        text,                                       -- the declared layout that read it
    shop           text,                                       -- shop it was loaded for
    size_bytes     bigint not null check (size_bytes >= 0),
    is_history     boolean not null,                           -- first load: known_at from event time, not arrival
    arrived_at     timestamptz not null,
    rows_read      bigint not null check (rows_read >= 0),
    rows_taken     bigint not null check (rows_taken >= 0),    -- new versions written
    rows_unchanged bigint not null check (rows_unchanged >= 0),-- already known, nothing written
    rows_dropped   bigint not null check (rows_dropped >= 0),  -- not facts by rule: unpaid, totals and note rows
    rows_rejected  bigint not null check (rows_rejected >= 0),
    dropped_json   text not null default '{}',                 -- reason → rows, for rows_dropped
    check (rows_read = rows_taken + rows_unchanged + rows_dropped + rows_rejected)
);

-- One row per refused line of a file and the rule it broke. Personal columns are cut out before the text is kept.
create table if not exists rejected_row (
    file_id     text not null,                                 -- source_file
    line_number bigint not null check (line_number >= 0),      -- 1 is the header's line; 0 stands for the whole file
    rule        text not null,                                 -- short name: quantity_positive, paid_in_future, …
    detail      text not null,                                 -- the value, the limit, the way out
    row_text    text not null,                                 -- JSON of the kept columns as delivered
    table_name  text not null,
    rejected_at timestamptz not null,
    primary key (file_id, line_number, rule)
);

-- ───────────────────────────── places and things ─────────────────────────────

-- One row per place of the county network.
create table if not exists place (
    place_id  text primary key,
    name      text not null,
    kind      text not null check (kind in ('county', 'town', 'village')),
    parent_id text,                                            -- place_id one step up; null for the county
    lat_deg   double check (lat_deg between -90 and 90),
    lon_deg   double check (lon_deg between -180 and 180),
    known_at  timestamptz not null
);

-- One row per selling region (province or city of the delivery address, never finer).
create table if not exists region (
    region_id text primary key,
    name      text not null,                                   -- as the platforms write it: 上海市, 广东省
    known_at  timestamptz not null
);

-- One row per sales channel: a shop on a platform, a market, a wholesale buyer.
create table if not exists channel (
    channel_id       text primary key,
    name             text not null,
    platform         text not null,                            -- taobao, pinduoduo, douyin, shopify, market, …
    shop             text not null,
    commission_share double not null default 0 check (commission_share between 0 and 1),
    known_at         timestamptz not null,
    unique (platform, shop)
);

-- One row per crop (or animal) that fields bear.
create table if not exists crop (
    crop_id         text primary key,
    name_zh         text not null,
    name_en         text not null,
    family          text not null,                             -- botanical family, for rotation
    kind            text not null,                             -- grain, vegetable, root, fruit, mushroom, aquatic
    is_legume       boolean not null,
    keeps_days      integer not null check (keeps_days >= 0),  -- days it keeps at usual storage
    base_temp_c     double,                                    -- below it no growth; null: not known
    mature_gdd_c_d  double check (mature_gdd_c_d > 0),         -- thermal time from sowing to ripe, °C·d
    known_at        timestamptz not null
);

-- One row per product as planned and sold; `family` groups products that one crop supplies.
create table if not exists product (
    product_id      text primary key,
    name_zh         text not null,
    name_en         text not null,
    family          text not null,
    grade           text,                                      -- grade sold; null: not graded
    launched_on     date,                                      -- null: before the records
    shelf_life_days integer check (shelf_life_days > 0),
    known_at        timestamptz not null
);

-- One row per product and crop it is made of.
create table if not exists product_crop (
    product_id             text not null references product (product_id),
    crop_id                text not null references crop (crop_id),
    crop_kg_per_product_kg double not null check (crop_kg_per_product_kg > 0),  -- e.g. 1.5 kg paddy per kg rice
    source                 text not null,                      -- where the mapping comes from
    known_at               timestamptz not null,
    primary key (product_id, crop_id)
);

-- One row per seller's article and the day from which the mapping holds.
create table if not exists listing (
    platform      text not null,
    shop          text not null,
    seller_sku    text not null,
    valid_from    date not null,
    product_id    text not null references product (product_id),
    pieces        integer not null default 1 check (pieces > 0),           -- packs per unit ordered
    net_weight_kg double not null check (net_weight_kg > 0 and net_weight_kg <= 1000),  -- per piece
    known_at      timestamptz not null,
    primary key (platform, shop, seller_sku, valid_from)
);

-- One row per weather station.
create table if not exists weather_station (
    station_id  text primary key,
    name        text not null,
    lat_deg     double check (lat_deg between -90 and 90),
    lon_deg     double check (lon_deg between -180 and 180),
    elevation_m double,
    known_at    timestamptz not null
);

-- One row per plot of land.
-- refers: place_id place
create table if not exists plot (
    plot_id    text primary key,
    place_id   text,
    land_class text not null,                                  -- which practices fit: paddy, dry_flat, greenhouse, …
    area_mu    double not null check (area_mu > 0 and area_mu <= 100000),   -- 1 mu = 1/15 ha
    lat_deg    double check (lat_deg between -90 and 90),
    lon_deg    double check (lon_deg between -180 and 180),
    soil       text,
    known_at   timestamptz not null
);

-- One row per way of using land: a main crop on a land class in the seasons of a year it occupies.
-- refers: crop_id crop
create table if not exists practice (
    practice_id          text primary key,
    crop_id              text not null,                        -- main crop; others in practice_yield
    land_class           text not null,
    season               integer not null check (season between 1 and 4),  -- first season of the year it takes
    last_season          integer not null check (last_season between 1 and 4),
    cost_yuan_per_mu     double not null check (cost_yuan_per_mu >= 0),
    labour_hours_per_mu  double check (labour_hours_per_mu >= 0),          -- null: not known
    sow_from_doy         integer check (sow_from_doy between 1 and 366),   -- day of year
    sow_to_doy           integer check (sow_to_doy between 1 and 366),
    sell_from_doy        integer check (sell_from_doy between 1 and 366),  -- harvest is sold from here …
    sell_to_doy          integer check (sell_to_doy between 1 and 366),    -- … to here; may wrap the year end
    is_perennial         boolean not null default false,       -- stays on its land: vines, orchards
    source               text not null,
    known_at             timestamptz not null,
    check (last_season >= season)
);

-- One row per practice and crop it yields (rice-crab yields two).
create table if not exists practice_yield (
    practice_id          text not null references practice (practice_id),
    crop_id              text not null references crop (crop_id),
    yield_kg_per_mu      double not null check (yield_kg_per_mu > 0),
    yield_cv             double check (yield_cv between 0 and 2),          -- standard deviation / mean; null: not known
    price_yuan_per_kg    double not null check (price_yuan_per_kg >= 0),   -- expected farm-gate price
    price_low_yuan_per_kg  double check (price_low_yuan_per_kg >= 0),
    price_high_yuan_per_kg double check (price_high_yuan_per_kg >= 0),
    salvage_yuan_per_kg  double not null default 0 check (salvage_yuan_per_kg >= 0),  -- what surplus still brings
    known_at             timestamptz not null,
    primary key (practice_id, crop_id)
);

-- One row per practice and thing bought for it: seed, seedlings, film.
create table if not exists planting_material (
    practice_id     text not null references practice (practice_id),
    item            text not null,                             -- seed, seedling, …
    quantity_per_mu double not null check (quantity_per_mu > 0),
    unit            text not null,                             -- kg, pieces, …
    weeks_before    integer not null default 0 check (weeks_before between 0 and 52),  -- had so long before it is sown
    source          text not null,
    known_at        timestamptz not null,
    primary key (practice_id, item)
);

-- One row per crop and season sold outside the recorded channels: what a year is expected to take.
create table if not exists expected_sale (
    crop_id  text not null references crop (crop_id),
    season   integer not null check (season between 1 and 4),  -- first season of the practices that bear it
    year_kg  double not null check (year_kg >= 0),
    source   text not null,
    known_at timestamptz not null,
    primary key (crop_id, season)
);

-- One row per land class and season in which a plot bears a single crop.
create table if not exists single_crop_land (
    land_class text not null,
    season     integer not null check (season between 1 and 4),
    source     text not null,
    known_at   timestamptz not null,
    primary key (land_class, season)
);

-- One row per channel whose sales stand for a larger market: demand for planting = its forecast × factor.
create table if not exists catchment (
    channel_id text primary key references channel (channel_id),
    factor     double not null check (factor > 0 and factor <= 10000),
    source     text not null,                                  -- why this factor
    known_at   timestamptz not null
);

-- One row per harvest or packing crew.
create table if not exists crew (
    crew_id       text primary key,
    place_id      text references place (place_id),
    workers       integer not null check (workers > 0),
    hours_per_day double not null check (hours_per_day > 0 and hours_per_day <= 24),
    known_at      timestamptz not null
);

-- One row per crop of which the co-operative says itself how it is cut; an empty value: as usual for its kind (models.harvest.cutting_usual).
create table if not exists cutting_rule (
    crop_id             text primary key references crop (crop_id),
    hold_days           integer check (hold_days between 0 and 365),     -- stands ripe before it is lost
    hours_per_kg        double check (hours_per_kg > 0 and hours_per_kg <= 10),  -- of one worker
    wait_share_per_day  double check (wait_share_per_day between -1 and 1),  -- of the price, lost per day of waiting ripe; below 0: gained
    rain_share          double check (rain_share between 0 and 1),       -- of what stands ripe, lost on a rainy day
    needs_dry           boolean,                                         -- not cut when rain is likely
    within_hours        double check (within_hours >= -1 and within_hours <= 8760),  -- field to table; -1: no limit
    needs_cold          boolean,
    source              text not null,
    known_at            timestamptz not null
);

-- One row per cold room.
create table if not exists cold_room (
    cold_room_id text primary key,
    place_id     text references place (place_id),
    capacity_kg  double not null check (capacity_kg > 0),
    temp_c       double,
    known_at     timestamptz not null
);

-- One row per leg: from a place to a place or selling region.
create table if not exists transit (
    from_id          text not null,                            -- place_id
    to_id            text not null,                            -- place_id or region_id
    hours            double not null check (hours >= 0 and hours <= 720),
    cost_yuan_per_kg double check (cost_yuan_per_kg >= 0),
    known_at         timestamptz not null,
    primary key (from_id, to_id)
);

-- One row per sensor (a device; its quantities are in the readings).
create table if not exists sensor (
    sensor_id    text primary key,
    plot_id      text references plot (plot_id),               -- null: not in a plot
    model        text,
    depth_cm     double,
    installed_on date,
    known_at     timestamptz not null
);

-- One row per raw material of a processed product.
create table if not exists recipe (
    product_id       text not null references product (product_id),
    crop_id          text not null references crop (crop_id),
    grade            text,
    kg_in_per_kg_out double not null check (kg_in_per_kg_out > 0),
    cost_yuan_per_kg double check (cost_yuan_per_kg >= 0),
    known_at         timestamptz not null,
    primary key (product_id, crop_id)
);

-- One row per standard, version, class and measured attribute: a lower (or upper) limit.
create table if not exists grade_standard (
    standard    text not null,                                 -- e.g. AQSIQ 71/2006
    version     text not null,
    crop_id     text not null references crop (crop_id),
    grade       text not null,
    attribute   text not null,                                 -- weight_g_male, brix, …
    min_value   double,
    max_value   double,
    valid_from  date not null,
    source      text not null,
    is_verified boolean not null,
    known_at    timestamptz not null,
    primary key (standard, version, crop_id, grade, attribute)
);

-- ───────────────────────────── facts of selling ─────────────────────────────

-- One version of one paid order line. Unpaid lines are not taken; buyer, address and phone never enter.
-- key: platform, shop, order_id, line_id
-- rank: status_rank
create table if not exists order_line (
    platform    text not null,
    shop        text not null,
    order_id    text not null,
    line_id     text not null,                                 -- sub-order id, else seller SKU + spec + occurrence
    seller_sku  text not null,                                 -- '' when the file has none
    title       text,
    spec        text,
    quantity    integer not null check (quantity > 0 and quantity <= 100000),   -- units ordered
    goods_yuan  decimal(14, 2) check (goods_yuan >= 0 and goods_yuan <= 100000000),  -- paid for the line's goods
    status      text not null check (status in ('paid', 'part_shipped', 'shipped', 'received', 'part_refunded',
                                                'refunded_before_ship', 'refunded_after_ship', 'unknown')),
    status_rank integer not null,                              -- progress; a lower rank never replaces a higher one
    raw_status  text not null,                                 -- the platform's own word
    paid_at     timestamptz not null,
    shipped_at  timestamptz,
    refunded_at timestamptz,
    region_id   text,                                          -- null: the file names no province
    buyer_key   text,                                          -- keyed hash, null where the file has no buyer
    file_id     text not null,
    known_at    timestamptz not null
);

-- One row per product, channel, region and day sold, from tills or shops that report days instead of orders.
create table if not exists daily_sale (
    product_id       text not null references product (product_id),
    channel_id       text not null references channel (channel_id),
    region_id        text not null references region (region_id),
    sale_date        date not null,                            -- local day of payment
    sold_kg          double not null check (sold_kg >= 0 and sold_kg <= 10000000),  -- returns before shipping taken off
    revenue_yuan     double check (revenue_yuan >= 0),
    receipts         integer check (receipts >= 0),
    discounted_share double check (discounted_share between 0 and 1),
    known_at         timestamptz not null,
    primary key (product_id, channel_id, region_id, sale_date, known_at)
);

-- One row per product, channel, region and day with a stock record. No row: nothing is known of stock.
create table if not exists stock_day (
    product_id         text not null references product (product_id),
    channel_id         text not null references channel (channel_id),
    region_id          text not null references region (region_id),
    stock_date         date not null,
    hours_out_of_stock double not null check (hours_out_of_stock between 0 and 24),
    closing_kg         double check (closing_kg >= 0),
    known_at           timestamptz not null,
    out_mask           integer,                                -- bit h: out of stock in hour h (0–23); null: only the hours are known
    primary key (product_id, channel_id, region_id, stock_date, known_at)
);

-- One row per product, channel and day: the price asked, past or planned (known_at before price_date).
create table if not exists price_day (
    product_id             text not null references product (product_id),
    channel_id             text not null references channel (channel_id),
    price_date             date not null,
    price_yuan_per_kg      double not null check (price_yuan_per_kg > 0 and price_yuan_per_kg <= 10000),
    list_price_yuan_per_kg double check (list_price_yuan_per_kg > 0),      -- before discount
    known_at               timestamptz not null,
    primary key (product_id, channel_id, price_date, known_at)
);

-- One row per product and day: what it cost to buy in (wholesale).
create table if not exists wholesale_price (
    product_id        text not null references product (product_id),
    price_date        date not null,
    price_yuan_per_kg double not null check (price_yuan_per_kg > 0.01 and price_yuan_per_kg <= 10000),
    known_at          timestamptz not null,
    primary key (product_id, price_date, known_at)
);

-- One row per campaign of a channel (or of all: channel_id '*').
create table if not exists campaign (
    campaign_id    text not null,
    channel_id     text not null,
    name           text not null,
    presale_from   date,
    starts_on      date not null,
    ends_on        date not null,
    discount_share double check (discount_share between 0 and 1),
    known_at       timestamptz not null,
    primary key (campaign_id, channel_id, known_at),
    check (ends_on >= starts_on)
);

-- One row per planned live-stream slot of a product.
create table if not exists live_slot (
    live_slot_id      text not null,
    channel_id        text not null references channel (channel_id),
    product_id        text not null references product (product_id),
    slot_date         date not null,
    price_yuan_per_kg double check (price_yuan_per_kg > 0),
    allotment_kg      double check (allotment_kg >= 0),        -- null: not capped
    known_at          timestamptz not null,
    primary key (live_slot_id, known_at)
);

-- One row per product that could be taken on: what its listing says before it sells anything.
create table if not exists candidate_listing (
    candidate_id  text not null,
    title         text not null,
    family        text not null,                               -- product family it would join
    channel_id    text references channel (channel_id),        -- null: any
    crop_id       text references crop (crop_id),              -- null: bought in
    price_yuan    double not null check (price_yuan > 0),      -- per pack
    cost_yuan     double not null check (cost_yuan > 0),       -- per pack, bought or grown
    salvage_yuan  double check (salvage_yuan >= 0),            -- a pack left over brings; null: nothing
    pack_kg       double not null check (pack_kg > 0),
    brand         text,
    seller        text,
    images        integer check (images >= 0),
    rating        double check (rating between 0 and 5),
    reviews       integer check (reviews >= 0),
    decide_by     date,
    withdrawn     boolean,                                     -- true: no longer on offer
    known_at      timestamptz not null,
    primary key (candidate_id, known_at)
);

-- One row per promise to deliver: pre-order, contract, adoption.
create table if not exists commitment (
    commitment_id     text not null,
    kind              text not null check (kind in ('preorder', 'contract', 'adoption')),
    crop_id           text not null references crop (crop_id),
    quantity_kg       double not null check (quantity_kg >= 0),            -- 0 withdraws it
    due_from          date not null,
    due_to            date not null,
    price_yuan_per_kg double check (price_yuan_per_kg >= 0),
    known_at          timestamptz not null,
    primary key (commitment_id, known_at),
    check (due_to >= due_from)
);

-- ───────────────────────────── facts of the fields ─────────────────────────────

-- One row per plot, crop, year and season planted.
create table if not exists planting (
    plot_id     text not null references plot (plot_id),
    crop_id     text not null references crop (crop_id),
    year        integer not null check (year between 1990 and 2100),
    season      integer not null check (season between 1 and 4),
    area_mu     double not null check (area_mu >= 0),
    practice_id text,
    sown_on     date,
    known_at    timestamptz not null,
    primary key (plot_id, crop_id, year, season, known_at)
);

-- One row per cut: kg of one grade from one plot.
create table if not exists harvest_event (
    harvest_id   text not null,
    plot_id      text not null references plot (plot_id),
    crop_id      text not null references crop (crop_id),
    harvested_at timestamptz not null,
    harvested_kg double not null check (harvested_kg >= 0 and harvested_kg <= 10000000),
    grade        text,
    known_at     timestamptz not null,
    primary key (harvest_id, known_at)
);

-- One row per plot, crop and day on which somebody saw its stage of growth.
create table if not exists stage_seen (
    plot_id  text not null references plot (plot_id),
    crop_id  text not null references crop (crop_id),
    seen_on  date not null,
    stage    text not null check (stage in ('sown', 'emerged', 'flowering', 'ripe')),
    known_at timestamptz not null,
    primary key (plot_id, crop_id, seen_on, known_at)
);

-- One row per lot in store or packed, made of one harvest.
create table if not exists lot (
    lot_id     text not null,
    harvest_id text,
    crop_id    text not null references crop (crop_id),
    grade      text,
    lot_kg     double not null check (lot_kg >= 0),
    packed_on  date,
    known_at   timestamptz not null,
    primary key (lot_id, known_at)
);

-- One row per lot, attribute and sample number inspected.
create table if not exists inspection (
    inspection_id text not null,
    lot_id        text not null,
    attribute     text not null,
    value         double not null,
    sample_kg     double check (sample_kg > 0),
    inspected_at  timestamptz not null,
    known_at      timestamptz not null,
    primary key (inspection_id, attribute, known_at)
);

-- One reading as delivered, never changed.
-- key: sensor_id, quantity, measured_at, value, line_number
create table if not exists raw_reading (
    sensor_id   text not null,                                 -- as delivered; it may be a made-up id
    quantity    text not null,                                 -- as mapped by the profile: air_temp_c, soil_vwc, …
    measured_at timestamptz not null,                          -- the device's clock
    value       double,                                        -- null: the device said it has none
    status      text,                                          -- the device's own status word
    file_id     text not null,
    line_number bigint not null,
    known_at    timestamptz not null
);

-- One cleaned reading per sensor, quantity and (corrected) time; flagged ones keep their value and their flag.
-- key: sensor_id, quantity, measured_at
create table if not exists reading (
    sensor_id   text not null,                                 -- sensor; no reference: DuckDB then refuses to correct a sensor
    quantity    text not null,                                 -- air_temp_c, rel_humidity_pct, soil_vwc, soil_temp_c,
                                                               -- soil_ec_ms_cm, battery_v, water_temp_c, …
    measured_at timestamptz not null,                          -- clock faults put right
    value       double not null,
    flag        text,                                          -- null: good; sentinel, range, spike, stuck, frozen,
                                                               -- clock (time not put right: the device's own)
    known_at    timestamptz not null
);

-- One row per sensor, quantity, kind of fault and stretch of time, as cleaning found it; readings 0: no longer found.
-- sensor_id 'file:NAME' and quantity '*' stand for a whole file.
-- key: sensor_id, quantity, fault, from_at
create table if not exists sensor_fault (
    sensor_id text not null,
    quantity  text not null,
    fault     text not null,     -- unreadable, log_start, made_up_id, bench_test, duplicate, clock, sentinel, range,
                                 -- spike, stuck, frozen, gap
    from_at   timestamptz,
    to_at     timestamptz,
    readings  bigint not null check (readings >= 0),
    detail    text not null,
    known_at  timestamptz not null
);

-- One hour (or day) of one station as observed.
create table if not exists weather_observed (
    station_id        text not null references weather_station (station_id),
    observed_at       timestamptz not null,
    air_temp_c        double check (air_temp_c between -60 and 60),
    dew_point_c       double check (dew_point_c between -80 and 50),
    rel_humidity_pct  double check (rel_humidity_pct between 0 and 100),
    rain_mm           double check (rain_mm between 0 and 500),
    wind_m_s          double check (wind_m_s between 0 and 90),
    pressure_hpa      double check (pressure_hpa between 500 and 1100),
    radiation_w_m2    double check (radiation_w_m2 between 0 and 1500),
    known_at          timestamptz not null,
    primary key (station_id, observed_at, known_at)
);

-- One hour of one station as forecast at one time of issue.
create table if not exists weather_forecast (
    station_id       text not null references weather_station (station_id),
    issued_at        timestamptz not null,
    valid_at         timestamptz not null,
    air_temp_c       double check (air_temp_c between -60 and 60),
    rel_humidity_pct double check (rel_humidity_pct between 0 and 100),
    rain_mm          double check (rain_mm between 0 and 500),
    wind_m_s         double check (wind_m_s between 0 and 90),
    radiation_w_m2   double check (radiation_w_m2 between 0 and 1500),
    known_at         timestamptz not null,
    primary key (station_id, issued_at, valid_at, known_at)
);

-- ───────────────────────────── what people decide ─────────────────────────────

-- One row per change a person made to a forecast.
-- key: override_id
create table if not exists demand_override (
    override_id text primary key,                              -- inbox message id: taken in once
    product_id  text not null,
    channel_id  text,                                          -- null: all
    region_id   text,                                          -- null: all
    starts_on   date not null,
    ends_on     date not null,
    factor      double not null check (factor >= 0 and factor <= 100),     -- forecast × factor
    author      text not null,
    reason      text not null check (length(reason) > 0),
    expires_on  date not null,
    written_at  timestamptz not null,
    known_at    timestamptz not null,
    check (ends_on >= starts_on)
);

-- One row per override that a person took back: it counts no longer, and what it had covered counts again.
-- key: withdrawal_id
create table if not exists override_withdrawal (
    withdrawal_id text primary key,                            -- inbox message id: taken in once
    override_id   text not null,                               -- demand_override; both may come in one night
    author        text not null,
    reason        text not null check (length(reason) > 0),
    written_at    timestamptz not null,
    known_at      timestamptz not null
);

-- One row per answer of a person to a recommendation.
-- key: decision_id
create table if not exists decision (
    decision_id       text primary key,                        -- inbox message id: taken in once
    recommendation_id text not null,
    answer            text not null check (answer in ('accept', 'change', 'refuse')),
    area_mu           double check (area_mu >= 0),             -- with 'change'
    author            text not null,
    reason            text,
    written_at        timestamptz not null,
    known_at          timestamptz not null
);

-- One row per report of a person from a field: sown, cut, or why it could not be done. A cut is also a harvest_event ('report:' and
-- the report's id), a sowing a planting, from the night that takes it in.
-- key: report_id
create table if not exists harvest_report (
    report_id    text primary key,                             -- inbox message id: taken in once
    plot_id      text not null,
    crop_id      text not null,
    task         text not null check (task in ('sow', 'harvest')),
    answer       text not null check (answer in ('done', 'cannot')),
    done_on      date not null,                                -- local day
    harvested_kg double check (harvested_kg >= 0 and harvested_kg <= 10000000),  -- of a harvest done
    grade        text,                                         -- null: not graded
    area_mu      double check (area_mu > 0),                   -- of a sowing done
    year         integer check (year between 1990 and 2100),   -- of a sowing done: its line in the plan
    season       integer check (season between 1 and 4),
    practice_id  text,
    photo        text,                                         -- file in the county folder's photos/; null: none
    reason       text,                                         -- with 'cannot'
    author       text not null,
    written_at   timestamptz not null,
    known_at     timestamptz not null
);

-- One row per commitment that a person entered, changed or withdrew by hand; it is a commitment from the night that takes it in.
-- key: entry_id
create table if not exists commitment_entry (
    entry_id          text primary key,                        -- inbox message id: taken in once
    commitment_id     text not null,                           -- a new one, or the one it changes
    kind              text not null check (kind in ('preorder', 'contract', 'adoption')),
    crop_id           text not null,
    quantity_kg       double not null check (quantity_kg >= 0),            -- 0 withdraws it
    due_from          date not null,
    due_to            date not null,
    price_yuan_per_kg double check (price_yuan_per_kg >= 0),
    author            text not null,
    written_at        timestamptz not null,
    known_at          timestamptz not null,
    check (due_to >= due_from)
);

-- One row per answer of a person to a proposed standard: in force from the day after it is approved.
-- key: approval_id
create table if not exists standard_approval (
    approval_id       text primary key,                        -- inbox message id: taken in once
    recommendation_id text not null,                           -- grading_recommendation
    answer            text not null check (answer in ('approve', 'refuse')),
    author            text not null,
    reason            text,
    written_at        timestamptz not null,
    known_at          timestamptz not null
);

-- One row per question of a person: what if the plan's world were otherwise?
-- key: whatif_id
create table if not exists planting_whatif (
    whatif_id      text primary key,                           -- inbox message id: taken in once
    name           text not null check (length(name) > 0),
    overrides_json text not null,                              -- list of {kind, …}; docs/methods-planning.md
    author         text not null,
    reason         text,
    written_at     timestamptz not null,
    known_at       timestamptz not null
);

-- ───────────────────────────── forecasts ─────────────────────────────

-- One row per product, channel, region, day ahead and quantile level, of one run.
create table if not exists demand_forecast (
    run_id          text not null,
    cutoff          date not null,                             -- last day whose sales were known
    product_id      text not null,
    channel_id      text not null,
    region_id       text not null,
    forecast_date   date not null,
    level           double not null check (level > 0 and level < 1),
    demand_kg       double not null check (demand_kg >= 0),
    expected_kg     double check (expected_kg >= 0),           -- mean of the day, the same at every level
    model_version   text not null,
    fallback_reason text,                                       -- null: the model; else why a baseline stands in
    in_stock_kg          double,                               -- quantile of what sells on days that do not sell out
    in_stock_expected_kg double,                               -- mean of that, the same at every level
    has_stock_record     boolean                               -- false: no stock record, so demand is taken from sales as they were
);

-- One row per product family, channel, region, week ahead and quantile level, of one run.
create table if not exists season_forecast (
    run_id          text not null,
    cutoff          date not null,
    family          text not null,
    channel_id      text not null,
    region_id       text not null,
    week_start      date not null,                             -- Monday
    level           double not null check (level > 0 and level < 1),
    demand_kg       double not null check (demand_kg >= 0),
    model_version   text not null,
    fallback_reason text,
    expected_kg     double                                     -- mean of the week, the same at every level
);

-- One row per run, segment, lead time, metric and method: matured forecasts against what was sold.
create table if not exists forecast_score (
    run_id    text not null,                                   -- the scoring run
    cutoff    date not null,                                   -- the scoring run's cutoff
    scored_cutoff date not null,                               -- cutoff of the forecast that was scored
    segment   text not null,                                   -- all, channel:, family:, region:, volume:, fallback:, override:…
    lead_days text not null,                                   -- all, 1-7, 8-14, 15-28
    metric    text not null,                                   -- wape, bias, wql, coverage_80, coverage_80_above_0, sold_kg
    method    text not null,                                   -- anxu, before_override, model, seasonal_naive; sold
    value     double not null,
    rows_scored   bigint                                       -- days behind the value
);

-- What a forecast row was before a later step changed it; only rows that a step changed.
create table if not exists demand_before (
    run_id        text not null,
    cutoff        date not null,
    product_id    text not null,
    channel_id    text not null,
    region_id     text not null,
    forecast_date date not null,
    level         double not null check (level > 0 and level < 1),
    step          text not null check (step in ('model', 'before_override')),  -- model: where a node fell back to the baseline
    demand_kg     double not null check (demand_kg >= 0),
    in_stock_kg   double,                                       -- null: not forecast apart
    expected_kg   double,
    in_stock_expected_kg double,
    model_version text not null,
    override_id   text                                          -- demand_override that changed the row; null at 'model'
);

-- One row per scoring run, origin and node: what the model (unseen where it fell back) and the baseline missed by.
create table if not exists node_score (
    run_id        text not null,
    cutoff        date not null,                               -- the scoring run's
    scored_cutoff date not null,                               -- the origin
    source        text not null check (source in ('matured', 'backtest')),
    node          text not null check (node in ('product_channel', 'series')),
    product_id    text not null,
    channel_id    text not null,
    region_id     text,                                         -- null: product_channel
    days          bigint not null,                             -- series-days judged, 1-7 days ahead
    sale_days     bigint not null,                             -- of them with a sale
    sold_kg       double not null,
    model_loss_kg double not null,                             -- twice the pinball loss, mean of the levels, added up
    naive_loss_kg double not null
);

-- One row per node as the forecast of this cutoff took it.
create table if not exists node_status (
    run_id          text not null,
    cutoff          date not null,
    node            text not null,
    product_id      text not null,
    channel_id      text not null,
    region_id       text,                                       -- null: product_channel
    state           text not null check (state in ('model', 'baseline')),
    since           date not null,                             -- origin that decided it
    lost_origins    bigint not null,                           -- of the last four counted
    counted_origins bigint not null
);

-- One row per scoring run, scored forecast, lead bucket and override: the error before and after it.
create table if not exists override_score (
    run_id         text not null,
    cutoff         date not null,
    scored_cutoff  date not null,
    lead_days      text not null,
    override_id    text not null,
    days           bigint not null,                            -- series-days it changed
    sold_kg        double not null,
    before_loss_kg double not null,                            -- twice the pinball loss, mean of the levels, added up
    after_loss_kg  double not null
);

-- Season forecasts kept until they mature: one cutoff a week, at the leads at which planting locks.
create table if not exists season_kept (
    run_id     text not null,
    cutoff     date not null,
    family     text not null,
    channel_id text not null,
    region_id  text not null,
    week_start date not null,                                  -- Monday
    lead_weeks bigint not null,                                -- 1 is the first whole week after the cutoff
    level      double not null,
    demand_kg  double not null,
    naive_kg   double                                          -- seasonal naive at the level; null: under a year of sales
);

-- One row per scoring run, segment, lead in weeks, metric and method: season forecasts against what was sold.
create table if not exists season_score (
    run_id        text not null,
    cutoff        date not null,
    scored_cutoff date not null,                               -- of a backtest: its newest origin
    source        text not null check (source in ('matured', 'backtest')),
    segment       text not null,                               -- all, channel:…, family:…
    lead_weeks    bigint not null,
    metric        text not null,                               -- wape, bias, wql, coverage_80, sold_kg
    method        text not null,                               -- anxu, seasonal_naive; sold
    value         double not null,
    rows_scored   bigint not null
);

-- One row per node above the leaves (product × channel × region), day ahead and quantile level, of one run: sums of the leaves.
create table if not exists demand_forecast_node (
    run_id        text not null,
    cutoff        date not null,
    node_level    text not null,                               -- product_channel, product, family_channel, family, channel, region, total
    product_id    text,                                        -- null: the node holds several; so the next three
    family        text,
    channel_id    text,
    region_id     text,
    forecast_date date not null,
    level         double not null check (level > 0 and level < 1),
    demand_kg     double not null check (demand_kg >= 0),      -- quantile of the node's sum
    expected_kg   double not null check (expected_kg >= 0),    -- mean: the sum of its leaves' means, the same at every level
    leaves        bigint not null check (leaves > 0)
);

-- One row per node level: how a sum's spread follows from its leaves', as learnt at this cutoff.
create table if not exists node_spread (
    run_id     text not null,
    cutoff     date not null,
    node_level text not null,
    scale      double not null check (scale > 0),              -- on the leaves' standard deviations
    shared     double not null check (shared between 0 and 1), -- correlation of the errors of two leaves
    origins    integer not null
);

-- One row per week ahead: how much of a week's figure comes from the days, the rest from the season forecast.
create table if not exists horizon_weight (
    run_id      text not null,
    cutoff      date not null,
    week        bigint not null check (week > 0),              -- 1: the week of the first forecast day
    days_weight double not null check (days_weight between 0 and 1),
    origins     integer not null
);

-- How errors of the season forecast hang together, as learnt at this cutoff: one row per component of their variance.
create table if not exists scenario_dependence (
    run_id    text not null,
    cutoff    date not null,
    component text not null check (component in ('all', 'family', 'channel', 'family_channel', 'series')),
    share     double not null check (share between 0 and 1),   -- of the variance; adds up to 1
    lasting   double not null check (lasting between 0 and 1), -- of the share: stays for all weeks
    keep      double not null check (keep between 0 and 1),    -- what the rest keeps of itself from week to week
    origins   integer not null                                 -- of the backtest; 0: assumed
);

-- One row per crop, grade, channel and week ahead: joint paths of demand. Place i of every list belongs to path i.
-- Only the newest cutoff is kept; the view demand_scenario_path has one row per path.
create table if not exists demand_scenario (
    run_id      text not null,
    cutoff      date not null,
    crop_id     text not null,
    grade       text,                                          -- of the products sold; null: not graded
    channel_id  text not null,
    week_start  date not null,                                 -- Monday
    expected_kg double not null check (expected_kg >= 0),      -- mean of the paths, kg of crop a week
    path_kg     float[] not null,                              -- kg of crop a week on each path, rounded by 0.05 % at most
    seed        bigint not null                                -- the draw's; the same seed and forecast give the same paths
);

-- One row per crop, week ahead (null: all 52 together) and level: quantiles of its paths over all grades and channels.
create table if not exists demand_scenario_total (
    run_id      text not null,
    cutoff      date not null,
    crop_id     text not null,
    week_start  date,                                          -- Monday; null: the whole horizon
    level       double not null check (level > 0 and level < 1),
    demand_kg   double not null check (demand_kg >= 0),        -- kg of crop
    expected_kg double not null check (expected_kg >= 0)       -- mean of the paths
);

-- ───────────────────────────── recommendations ─────────────────────────────

-- One row per published planting plan.
create table if not exists planting_plan (
    run_id        text not null,
    cutoff        date not null,
    first_year    integer not null,
    last_year     integer not null,
    status        text not null,                               -- optimal, feasible, infeasible
    profit_yuan   double not null,                             -- as the checker recomputes it from the rounded plan
    bound_yuan    double not null,                             -- no plan can earn more
    gap           double not null check (gap >= 0),            -- (bound − profit) / |bound|
    rules_broken  integer not null check (rules_broken >= 0),
    seed          integer not null,
    inputs_hash   text not null
);

-- One row per published planting plan: what it is worth against demand and yields that nobody knows yet.
create table if not exists planting_value (
    run_id          text not null,
    cutoff          date not null,
    made_for        text not null check (made_for in ('mean', 'scenarios', 'both')),  -- demand it was planned for; both: plots of two plans
    paths           integer not null check (paths >= 0),       -- fresh demand and yield paths it was valued on; 0: demand taken for certain
    scenarios       integer not null check (scenarios >= 0),   -- reduced ones it was planned against; 0: none
    expected_yuan   double not null,                           -- mean profit on the fresh paths
    low_yuan        double not null,                           -- profit's quantile 0.1
    high_yuan       double not null,                           -- profit's quantile 0.9
    cvar_yuan       double not null,                           -- mean profit of the worst 1 − cvar_level of them
    cvar_level      double not null check (cvar_level >= 0 and cvar_level < 1),
    mean_plan_yuan  double not null,                           -- mean profit there of the plan made for mean demand
    scenario_plan_yuan double,                                 -- of the plan made against the scenarios; null: there is none
    vss_yuan        double,                                    -- value of the stochastic solution, land groups; null: not reckoned
    evpi_yuan       double,                                    -- expected value of perfect information, land groups
    service_share   double not null check (service_share between 0 and 1),  -- kg sold of kg asked for
    promise_share   double not null check (promise_share between 0 and 1),  -- kg of commitments served
    waste_kg        double not null check (waste_kg >= 0),     -- expected kg that find no buyer at full price
    unserved_kg     double not null check (unserved_kg >= 0)   -- expected kg asked for and not there
);

-- One row per plot, practice, year and season to plant.
create table if not exists planting_recommendation (
    run_id            text not null,
    cutoff            date not null,
    recommendation_id text not null,                           -- plot/year/season/practice: stable from night to night
    plot_id           text not null,
    practice_id       text not null,
    crop_id           text not null,
    year              integer not null,
    season            integer not null,
    area_mu           double not null check (area_mu > 0),
    expected_kg       double not null check (expected_kg >= 0),            -- of the main crop
    expected_profit_yuan double not null,                      -- revenue share of what sells, less cost
    demand_source     text not null                            -- forecast, forecast × catchment, expected sales, commitment
);

-- One row per fact that a plan rests on, to tell the next night what changed. Only the two newest cutoffs are kept.
create table if not exists planting_input (
    run_id  text not null,
    cutoff  date not null,
    kind    text not null,                                     -- demand, cost, price, yield, cold, cold_plot, field, decision
    subject text not null,                                     -- crop/year/season, practice, practice/crop, plot, plot/practice, recommendation
    value   double,                                            -- kg, yuan a mu, yuan a kg, kg a mu, 1, °C, mu, mu
    mark    text not null                                      -- field: land class and a digest of what stood on it; else ''
);

-- One row per line that differs from the plan before, or stands because of it; the largest yuan first.
create table if not exists planting_change (
    run_id            text not null,
    cutoff            date not null,
    since             date not null,                           -- cutoff of the plan before
    rank              integer not null,
    recommendation_id text not null,                           -- plot/year/season/practice
    plot_id           text not null,
    practice_id       text not null,
    crop_id           text not null,
    year              integer not null,
    season            integer not null,
    old_mu            double not null check (old_mu >= 0),
    new_mu            double not null check (new_mu >= 0),
    change_kg         double not null,                         -- of the main crop, at usual yields
    change_yuan       double not null,                         -- expected profit of the line, new less old
    cause             text not null check (cause in ('demand', 'price_cost', 'field_state', 'decision', 'horizon', 'knock_on',
                                                     'frozen', 'kept')),  -- the last two: the area is as before
    text_zh           text not null,
    text_en           text not null
);

-- One row per week ahead, village, crop and thing that a plan's lines need, accepted lines and others apart.
create table if not exists supply_need (
    run_id      text not null,
    cutoff      date not null,
    week_start  date not null,                                 -- Monday
    village_id  text,                                          -- place; null: plots without one
    crop_id     text not null,
    item        text not null,                                 -- labour, or an item of planting_material
    quantity    double not null check (quantity > 0),
    unit        text not null,                                 -- hours for labour
    is_accepted boolean not null                               -- people accepted these lines, or changed their area
);

-- One row per night and decision: what it was worth, as the checker counts the whole with the plot as proposed and as decided.
create table if not exists planting_decision_score (
    run_id            text not null,
    cutoff            date not null,
    decision_id       text not null,
    recommendation_id text not null,
    answer            text not null,
    author            text not null,
    reason            text,
    stage             text not null check (stage in ('ahead', 'past')),  -- past: on what was planted and cut
    proposed_mu       double not null,
    decided_mu        double not null,                         -- planned tonight, or recorded
    proposed_yuan     double not null,
    decided_yuan      double not null,
    gained_yuan       double not null                          -- decided less proposed
);

-- One row per question and side: the plan as it is, and solved anew in the world asked about, by the same code.
create table if not exists planting_whatif_answer (
    run_id         text not null,
    cutoff         date not null,
    whatif_id      text not null,                              -- planting_whatif
    side           text not null check (side in ('base', 'whatif')),
    status         text not null check (status in ('solved', 'infeasible', 'refused')),
    detail         text not null,                              -- notes; why there is no plan
    profit_yuan    double,                                     -- at mean demand, as the checker counts; null: no plan; so the next
    expected_yuan  double,
    cvar_yuan      double,
    service_share  double,
    promise_share  double,
    waste_kg       double,
    unserved_kg    double,
    labour_hours   double,
    moved_mu       double,                                     -- mu that stand otherwise than in the plan as it is
    moved_lines    integer
);

-- One row per question and crop: mu planned over all years, as it is and in the world asked about.
create table if not exists planting_whatif_crop (
    run_id    text not null,
    cutoff    date not null,
    whatif_id text not null,
    crop_id   text not null,
    base_mu   double not null,
    whatif_mu double not null
);

-- One row per crop, year and season of a plan: demand, supply, what is sold, left over, unserved.
create table if not exists planting_balance (
    run_id      text not null,
    cutoff      date not null,
    crop_id     text not null,
    year        integer not null,
    season      integer not null,
    demand_kg   double not null check (demand_kg >= 0),
    committed_kg double not null check (committed_kg >= 0),    -- part of demand_kg
    supply_kg   double not null check (supply_kg >= 0),
    sold_kg     double not null check (sold_kg >= 0),
    surplus_kg  double not null check (surplus_kg >= 0),
    unserved_kg double not null check (unserved_kg >= 0),
    demand_source text not null
);

-- One row per recommendation and reason, in order of weight.
create table if not exists recommendation_reason (
    run_id            text not null,
    cutoff            date not null,
    recommendation_id text not null,
    rank              integer not null,
    kind              text not null,                           -- limit, next_best, demand, freshness; unserved, note
    text_zh           text not null,
    text_en           text not null,
    value_yuan        double                                   -- shadow price or loss; null: none
);

-- One row per product asked about in a night: will it be among the best of its category, and what may it earn.
create table if not exists bestseller_forecast (
    run_id               text not null,
    cutoff               date not null,
    question             text not null check (question in ('launch', 'listing')),
    subject_id           text not null,                        -- product, or candidate_listing
    name                 text not null,
    category             text not null,
    decision_on          date not null,
    window_from          date not null,                        -- what it earns from here
    window_to            date not null,                        -- to here (exclusive) is judged
    top_share            double not null check (top_share > 0 and top_share < 1),
    base_rate            double not null check (base_rate between 0 and 1),
    probability          double check (probability between 0 and 1),   -- null: nothing to tell it from
    rank_in_category     integer not null,
    expected_yuan        double not null check (expected_yuan >= 0),
    low_yuan             double check (low_yuan >= 0),         -- quantile 0.1; null: no spread is known
    high_yuan            double check (high_yuan >= 0),        -- quantile 0.9; null: no spread is known
    expected_margin_yuan double,                               -- null: its cost is not known
    lead_days            integer not null,                     -- from the cutoff to the end of the window
    model_version        text not null,
    fallback_reason      text                                  -- null: the model; else what stands in
);

-- One row per reason of a call, strongest first.
create table if not exists bestseller_reason (
    run_id     text not null,
    cutoff     date not null,
    question   text not null,
    subject_id text not null,
    place      integer not null,
    theme      text not null,
    effect     double not null,                                -- on the log of the expected yuan
    text_zh    text not null,
    text_en    text not null
);

-- One row per product to decide about: take it on, keep it, or drop it, and how much first.
create table if not exists selection_recommendation (
    run_id               text not null,
    cutoff               date not null,
    recommendation_id    text not null,
    question             text not null check (question in ('launch', 'listing')),
    subject_id           text not null,
    name                 text not null,
    answer               text not null check (answer in ('take_on', 'keep', 'drop')),
    first_quantity_packs double not null check (first_quantity_packs >= 0),
    first_quantity_kg    double not null check (first_quantity_kg >= 0),
    expected_leftover_kg double not null check (expected_leftover_kg >= 0),
    expected_margin_yuan double not null,
    yuan_at_risk         double not null check (yuan_at_risk >= 0),
    service_share        double not null check (service_share between 0 and 1),
    commit_kind          text not null check (commit_kind in ('mu', 'packs')),
    commit_quantity      double not null check (commit_quantity >= 0),
    commit_by            date not null,
    crop_id              text,
    blocked_zh           text,                                 -- what climate or land forbids; null: nothing
    blocked_en           text,
    text_zh              text not null,
    text_en              text not null
);

-- One row per night and question: how matured calls turned out.
create table if not exists bestseller_score (
    run_id            text not null,
    cutoff            date not null,
    question          text not null,
    calls             integer not null,                        -- products asked about whose window has passed
    called            integer not null,                        -- of them named as bestsellers (the best top_share)
    hits              integer not null,                        -- of those named, bestsellers indeed
    false_alarms      integer not null,
    missed            integer not null,
    base_rate         double not null,
    false_alarm_yuan  double not null,                         -- cost of what was left of them by the first quantities
    lead_days_median  double not null
);

-- One row per class and attribute of every standard this night knows: shipped, loaded, or approved by a person.
create table if not exists published_standard (
    run_id      text not null,
    cutoff      date not null,
    standard    text not null,
    version     text not null,
    crop_id     text not null,                                 -- may name goods the county does not grow
    grade       text not null,
    rank        bigint not null,                               -- 1 is the best class
    attribute   text not null,
    min_value   double,
    max_value   double,
    condition   text,                                          -- null: plain; else when the limit stands in for the plain one
    valid_from  date not null,
    source      text not null,
    is_verified boolean not null,
    origin      text not null check (origin in ('shipped', 'loaded', 'approved')),
    is_in_force boolean not null,                              -- the newest version that holds, and no fault
    fault       text                                           -- which limit is looser than the class claimed; null: none
);

-- One row per crop and grade: what customers pay, take and send back.
create table if not exists grade_price (
    run_id       text not null,
    cutoff       date not null,
    crop_id      text not null,
    grade        text not null,
    base_grade   text not null,                                -- the grade others are held against: the one sold most
    price_ratio  double,                                       -- to the base grade; null: not estimable
    low          double,                                       -- ends of its 90 % interval
    high         double,
    cells        bigint not null,                              -- channel × pack × month that hold both
    markets      bigint not null,                              -- channels that hold both
    advice       text not null check (advice in ('base', 'pays', 'does_not_pay', 'costs', 'not_estimable')),
    yuan_per_kg  double,                                       -- of crop, mean of what was paid; null: no money known
    sold_kg      double not null,                              -- kg of crop in the year before the cutoff
    sold_share   double not null,
    lines        bigint not null,
    return_share double                                        -- refunded after shipping, of order lines; null: too few
);

-- One row per crop asked about: new cuts, keep the present ones, or do not grade.
create table if not exists grading_recommendation (
    run_id            text not null,
    cutoff            date not null,
    recommendation_id text not null,                           -- crop/version: the same limits keep it from night to night
    crop_id           text not null,
    attribute         text not null,
    answer            text not null check (answer in ('new_cuts', 'keep', 'do_not_grade')),
    standard          text not null,                           -- proposed standard, or the present one
    version           text not null,
    status            text not null check (status in ('proposed', 'in_force', 'approved', 'refused', 'none')),
    grades            bigint not null,
    pieces            bigint not null,                         -- measured
    goods_kg          double not null,                         -- a year's kg the pieces stand for
    net_yuan          double not null,                         -- a year, with these cuts
    present_yuan      double,                                  -- with the present cuts; null: none are known
    equal_width_yuan  double not null,
    terciles_yuan     double not null,
    unsorted_yuan     double not null,
    gain_low_yuan     double not null,                         -- above not sorting: quantiles 0.05, 0.5, 0.95
    gain_yuan         double not null,
    gain_high_yuan    double not null,
    moved_share       double not null,                         -- of resamples in which a cut moved by more than a bin
    regret_share      double not null,                         -- of the net lost by keeping these cuts on resamples
    text_zh           text not null,
    text_en           text not null
);

-- One row per recommendation and grade: its limits and what it is expected to bring.
create table if not exists grade_cut (
    run_id            text not null,
    cutoff            date not null,
    recommendation_id text not null,
    crop_id           text not null,
    grade             text not null,
    rank              bigint not null,
    attribute         text not null,
    min_value         double,                                  -- null: no lower limit
    max_value         double,                                  -- for what less of is better; null: no upper limit
    present_min       double,
    present_max       double,
    goods_share       double not null,                         -- of the pieces measured
    goods_kg          double not null,
    demand_kg         double,                                  -- a year; null: not limited
    price_yuan_per_kg double not null
);

-- One row per recommendation, grade with a limit and step of the attribute: what the goods are, and what moving the limit there brings.
create table if not exists grade_curve (
    run_id            text not null,
    cutoff            date not null,
    recommendation_id text not null,
    crop_id           text not null,
    grade             text not null,
    at_value          double not null,                         -- of the attribute: a lower limit with the step above it, or an upper one with the step below
    goods_share       double not null,                         -- of the measured goods within the step
    net_yuan          double                                   -- a year, this limit here and the others held; null: it passes another
);

-- One row per recommendation and reason, in order of weight.
create table if not exists grading_reason (
    run_id            text not null,
    cutoff            date not null,
    recommendation_id text not null,
    rank              integer not null,
    kind              text not null,                           -- gain, limit, price, stability, sample, class
    text_zh           text not null,
    text_en           text not null,
    value_yuan        double
);

-- One row per lot and grade of its standard: the share that a sample tells, and the label the lot may carry.
create table if not exists lot_grade (
    run_id    text not null,
    cutoff    date not null,
    lot_id    text not null,
    crop_id   text not null,
    standard  text not null,
    grade     text not null,                                   -- '' stands for pieces of no class
    rank      bigint not null,
    share     double not null,
    low       double not null,                                 -- quantiles 0.05 and 0.95
    high      double not null,
    label     text,                                            -- of the lot, the same in all its rows; null: none is sure
    pieces    bigint not null,                                 -- sampled
    needed    bigint                                           -- pieces that would do for a label; null: none would
);

-- One row per lot and where it should go: an order's grade in a channel, processing, clearance.
create table if not exists lot_allocation (
    run_id      text not null,
    cutoff      date not null,
    lot_id      text not null,
    crop_id     text not null,
    destination text not null,                                 -- channel/grade, processed product, or clearance
    kind        text not null check (kind in ('order', 'processing', 'clearance')),
    kg          double not null check (kg >= 0),
    yuan        double not null,
    steps_down  bigint                                         -- grades below the lot's own; null: no grade is asked
);

-- One row per crop, land class and grade: the share of a harvest that planting may count on.
create table if not exists grade_mix (
    run_id     text not null,
    cutoff     date not null,
    crop_id    text not null,
    land_class text not null,                                  -- '' stands for all
    grade      text not null,
    share      double not null check (share between 0 and 1),  -- adds up to 1 over the grades
    harvest_kg double not null                                 -- kg behind it
);

-- ───────────────────────────── runs ─────────────────────────────

-- One row per plot and day of the last fortnight: what its weather threatens. What is not known is never good news.
create table if not exists field_state (
    run_id         text not null,
    cutoff         date not null,
    plot_id        text not null,
    day            date not null,
    level          integer not null check (level between 0 and 2),          -- the worst; 0 well, 1 watch, 2 act
    level_frost    integer not null check (level_frost between 0 and 2),
    level_heat     integer not null check (level_heat between 0 and 2),
    level_water    integer not null check (level_water between 0 and 2),
    level_disease  integer not null check (level_disease between 0 and 2),
    source_frost   text not null,                              -- sensor, held (its sensor is silent), station, none
    source_heat    text not null,
    source_water   text not null,
    source_disease text not null,
    silent_days    integer                                     -- since its sensors last said anything; null: it has none
);

-- One row per standing planting and crop it bears: stage, ready date and kilograms of the season.
create table if not exists harvest_outlook (
    run_id             text not null,
    cutoff             date not null,
    plot_id            text not null,
    crop_id            text not null,
    year               integer not null,
    season             integer not null,
    practice_id        text not null,
    place_id           text not null,                          -- '': plot without a place
    area_mu            double not null,
    sown_on            date not null,
    stage              text,                                   -- null: no thermal data of the crop
    heat_c_d           double,                                 -- thermal time reached
    from_observed      boolean not null,                       -- a stage seen in the field put it right
    unknown_days       integer not null,                       -- days without a temperature, which added nothing
    is_overdue         boolean not null,                       -- ripe long since, and no cut is on record
    cuts               integer not null,
    cut_kg             double not null,
    first_cut_on       date,
    last_cut_on        date,
    ready_p10          date,                                   -- first cut; null: not within the days looked ahead
    ready_p50          date,
    ready_p90          date,
    season_p10_kg      double not null,
    season_p50_kg      double not null,
    season_p90_kg      double not null,
    season_expected_kg double not null,
    last_year_kg       double                                  -- last year's mean of the crop times the area; null: none on record
);

-- One row per standing planting and day ahead on which it may ripen.
create table if not exists harvest_day (
    run_id        text not null,
    cutoff        date not null,
    plot_id       text not null,
    crop_id       text not null,
    year          integer not null,
    season        integer not null,
    forecast_date date not null,
    p10_kg        double not null,
    p50_kg        double not null,
    p90_kg        double not null,
    expected_kg   double not null
);

-- One row per crop (and '*', all) and year over: yields told before it, against last year's mean.
create table if not exists harvest_value (
    run_id         text not null,
    cutoff         date not null,
    crop_id        text not null,
    year           integer not null,
    seasons        integer not null,
    harvested_kg   double not null,
    wape_anxu      double not null,
    wape_last_year double not null,
    value_added    double not null                             -- 1 - their ratio
);

-- One row per planting that is over or under way: what the plan and the first outlook said, and what was cut.
create table if not exists harvest_actual (
    run_id        text not null,
    cutoff        date not null,
    plot_id       text not null,
    crop_id       text not null,
    year          integer not null,
    season        integer not null,
    area_mu       double not null,
    is_finished   boolean not null,
    practice_kg   double not null,                             -- what its practice promises
    told_on       date,                                        -- cutoff of the first outlook on record; null: none
    told_kg       double,
    told_ready_on date,
    cut_kg        double not null,
    cuts          integer not null,
    first_cut_on  date,
    reported_kg   double not null                              -- of cut_kg, from growers' reports
);

-- One row per night or hour: the cutting plan as a whole.
create table if not exists cutting_plan (
    run_id     text not null,
    cutoff     date not null,
    written_at timestamptz not null,
    first_day  date not null,
    days       integer not null,
    cause      text not null check (cause in ('night', 'hour')),
    status     text not null check (status in ('optimal', 'stopped')),
    value_yuan double not null,
    bound_yuan double not null,
    gap        double not null,
    cut_kg     double not null,
    promised_kg double not null,                               -- asked for by promises and open orders
    kept_kg    double not null,                                -- of it, served
    note       text not null                                   -- what could not be counted; '': nothing
);

-- One row per cut proposed: which plot, how much, which crew, to which cold room.
create table if not exists harvest_recommendation (
    run_id            text not null,
    cutoff            date not null,
    recommendation_id text not null,
    rank              integer not null,                        -- within its day, the most money first
    day               date not null,
    plot_id           text not null,
    crop_id           text not null,
    crew_id           text not null,
    cold_room_id      text not null,
    cut_kg            double not null check (cut_kg > 0),
    crew_hours        double not null,                         -- way and set-up included
    oldest_on         date not null,                           -- ripe since, of the oldest kg
    last_on           date not null,                           -- later it is lost
    rain_chance       double not null,
    promised_kg       double not null,                         -- of cut_kg, for promises and open orders
    expected_kg       double not null,                         -- for orders expected
    other_kg          double not null,                         -- kept in store or sold off
    value_yuan        double not null
);

-- One row per reason of a proposed cut, the weightiest first.
create table if not exists harvest_reason (
    run_id            text not null,
    cutoff            date not null,
    recommendation_id text not null,
    rank              integer not null,
    kind              text not null,                           -- promise, expected, ripeness, rain, field, crew, route, surplus
    text_zh           text not null,
    text_en           text not null
);

-- One row per order (or promise, or tier of expected demand) and the cut or stock that serves it.
create table if not exists harvest_serve (
    run_id         text not null,
    cutoff         date not null,
    order_id       text not null,
    crop_id        text not null,
    grade          text,                                       -- of what was cut; null: not graded
    region_id      text,                                       -- null: at the gate
    ship_on        date not null,
    cut_on         date not null,                              -- before the first day: from stock
    cold_room_id   text not null,
    served_kg      double not null,
    is_promised    boolean not null,
    hours_to_table double
);

-- One row per promise or plot that the plan cannot keep, with its cause.
create table if not exists harvest_shortfall (
    run_id      text not null,
    cutoff      date not null,
    kind        text not null check (kind in ('order', 'ripe')),
    subject_id  text not null,                                 -- order_id, or plot_id
    crop_id     text not null,
    grade       text,
    region_id   text,
    day         date not null,                                 -- to be shipped, or lost on
    kg          double not null,
    is_promised boolean not null,
    cause       text not null
);

-- One row per day and crew (hours) or cold room (kg at night).
create table if not exists harvest_load (
    run_id     text not null,
    cutoff     date not null,
    day        date not null,
    kind       text not null check (kind in ('crew', 'cold_room')),
    subject_id text not null,
    used       double not null,
    limit_of   double not null,
    shipped_kg double                                          -- of a cold room
);

-- One row per thing that left its band within the day: orders of a crop above the forecast's p95, a plot's state.
create table if not exists harvest_trigger (
    run_id     text not null,
    cutoff     date not null,
    kind       text not null check (kind in ('orders', 'field')),
    subject_id text not null,                                  -- crop_id, or plot_id
    value      double not null,                                -- kg ordered so far, or level
    limit_of   double not null,                                -- kg, or last night's level
    text_zh    text not null,
    text_en    text not null
);

-- One row per plot, crop and day of which the cutting plan changed within the day.
create table if not exists harvest_change (
    run_id    text not null,
    cutoff    date not null,
    day       date not null,
    plot_id   text not null,
    crop_id   text not null,
    before_kg double not null,
    after_kg  double not null,
    crews     text not null                                    -- of the new plan; '': not cut any more
);

-- One row per run of a flow.
create table if not exists run (
    run_id      text primary key,
    flow        text not null,
    cutoff      date not null,
    started_at  timestamptz not null,
    finished_at timestamptz,                                   -- null: still running, or killed
    status      text not null check (status in ('running', 'completed', 'failed')),
    detail      text not null default ''
);

-- One row per run and step.
create table if not exists run_step (
    run_id      text not null,
    step        text not null,
    started_at  timestamptz not null,
    finished_at timestamptz,
    status      text not null check (status in ('running', 'completed', 'skipped', 'failed')),
    detail      text not null default '',
    primary key (run_id, step)
);

-- One row per thing that needs a look, worst first: silent shops and sensors, unmapped money, odd days.
create table if not exists finding (
    run_id  text not null,
    cutoff  date not null,
    rank    integer not null,                                  -- 1 is worst
    kind    text not null,                                     -- no_file_since, unmapped_money, odd_day, rejected_rows, …
    subject text not null,                                     -- channel, sensor or file
    value   double not null,
    allowed double not null,                                   -- the limit the value passed
    text_zh text not null,
    text_en text not null
);

-- ───────────────────────────── views ─────────────────────────────

-- The newest forecast per series, day and level.
create view if not exists demand_latest as
select * from demand_forecast
qualify cutoff = max(cutoff) over (partition by product_id, channel_id, region_id, forecast_date);

-- Joint paths one by one: kg of a crop, grade and channel in a week on each path (1, 2, …).
create view if not exists demand_scenario_path as
select run_id, cutoff, crop_id, grade, channel_id, week_start, seed,
       generate_subscripts(path_kg, 1) as path, unnest(path_kg) as kg
from demand_scenario;
