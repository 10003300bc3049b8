"""Every parameter of the sample county, in one place, each with its source or the word "assumed".

The county is a measuring instrument: a change here changes every figure measured on it, so a change re-runs
them all in one commit. Sources: [ecocrop] FAO EcoCrop limits, [aquacrop] and [wofost] published crop files,
[foodkeeper] USDA FoodKeeper, [chengdu] rice-crab trial Chengdu 2024, [xinhua] Xinhua 2023 on Panjin rice-crab,
[adoption] Workers' Daily 2024, [aqsiq71] AQSIQ notice 71/2006, [ffv19] UNECE FFV-19, [usda] USDA sweet potato
standard, [trade] the trades' size names, [yearbook] order of magnitude of the national cost-and-return yearbook,
rounded and assumed for this county.
"""

from models.simulation.shapes import Channel, Crop, packs, practice

# fmt: off
# ─────────────── place: a made-up county on the lower Huai plain (assumed) ───────────────
COUNTY = ("qinghe", "清禾县", 33.45, 118.20)
COLD_ROOM_TEMP_C = 3.0  # assumed

CROPS = (
    Crop("rice", "水稻", "rice", "Poaceae", "grain", False, 300, 8.0, 1900.0, 20, "head_rice_pct", 62, 4.0,
        "[aquacrop] PaddyRiceGDD: base 8, 1900"),
    Crop("crab", "河蟹", "mitten crab", "Varunidae", "aquatic", False, 5, None, None, 45, "weight_g", 132, 28.0,
        "[chengdu]; weights assumed"),
    Crop("sweet_potato", "甘薯", "sweet potato", "Convolvulaceae", "root", False, 120, 10.0, 2052.0, 30,
        "weight_g", 260, 95.0, "[wofost] VanHeemst: base 10, 200+416+1436"),
    Crop("grape", "葡萄", "grape", "Vitaceae", "fruit", False, 12, 10.0, 1700.0, 18, "brix", 16.2, 1.6,
        "[ecocrop] base 10; heat from 1 April assumed"),
    Crop("pakchoi", "小青菜", "pak choi", "Brassicaceae", "vegetable", False, 4, 5.0, 560.0, 6, "damage_pct", 6,
        2.5, "[ecocrop] 21-45 days; base assumed"),
    Crop("tomato", "番茄", "tomato", "Solanaceae", "vegetable", False, 10, 7.0, 1550.0, 45, "weight_g", 165, 35.0,
        "[aquacrop] TomatoGDD: base 7, flowering to harvest from 1553"),
    Crop("cucumber", "黄瓜", "cucumber", "Cucurbitaceae", "vegetable", False, 6, 10.0, 900.0, 40, "weight_g", 190,
        38.0, "[ecocrop] 40-180 days; sum assumed"),
    Crop("edamame", "毛豆", "edamame", "Fabaceae", "vegetable", True, 5, 5.0, 1500.0, 10, "full_pods_pct", 82,
        6.0, "[aquacrop] SoybeanGDD base 5; green stage assumed"),
    Crop("spinach", "菠菜", "spinach", "Amaranthaceae", "vegetable", False, 5, 2.0, 620.0, 12, "damage_pct", 6,
        2.5, "[ecocrop] minimum 2; sum assumed"),
    Crop("radish", "萝卜", "radish", "Brassicaceae", "root", False, 30, 4.0, 900.0, 25, "weight_g", 900, 220.0,
        "[ecocrop] 50-80 days; base assumed"),
    Crop("broad_bean", "蚕豆", "broad bean", "Fabaceae", "vegetable", True, 5, 0.0, 1500.0, 9, "full_pods_pct",
        84, 6.0, "[wofost] faba bean: base 0, 100+833+; green stage assumed"),
)

# Present grade cuts: lower limits of 特级 and 一级 (below: 二级); for damage_pct upper limits (assumed).
GRADES = ("特级", "一级", "二级")
PRESENT_CUTS = {
    "crab": (150.0, 125.0),  # [aqsiq71], male 一级 and 二级 limits stand for both sexes
    "grape": (17.0, 15.0),  # °Brix; [ffv19] wants 13-14, the co-operative asks more: assumed
    "sweet_potato": (300.0, 180.0),  # [usda] caps No. 1 at 567 g; cuts assumed
    "tomato": (170.0, 130.0),
    "cucumber": (200.0, 150.0),
    "radish": (950.0, 650.0),  # assumed
    "rice": (64.0, 60.0),
    "edamame": (84.0, 75.0),
    "broad_bean": (86.0, 77.0),  # assumed
    "pakchoi": (5.0, 9.0),
    "spinach": (5.0, 9.0),  # assumed
}
GRADE_PRICE_FACTOR = {"特级": 1.30, "一级": 1.0, "二级": 0.72}  # assumed

# Surplus of no crop but rice (bought at the state's minimum price) earns its cost back: salvage is assumed.
# Season 1 is sown from February to July, season 2 from August; days of the year, selling may wrap the year end.
PRACTICES = (
    practice("rice-paddy", "paddy", 1, 1250, 38, (135, 165), (283, 270), ("rice", 560, 0.13, 2.9, 2.5)),
    practice("ricecrab-paddy", "paddy", 1, 1950, 70, (135, 160), (283, 270), ("rice", 470, 0.13, 3.5, 2.5), ("crab",
        10.5, 0.19, 92, 38),
        source="[chengdu] 157.5 kg/ha crab; margin +300-400 yuan/mu [xinhua]; costs assumed"),
    practice("broadbean-paddy", "paddy", 2, 880, 45, (288, 312), (105, 145), ("broad_bean", 680, 0.16, 4.2, 1.2)),
    practice("sweetpotato-dry", "dry_flat", 1, 1300, 58, (120, 160), (255, 130), ("sweet_potato", 1900, 0.16, 2.4,
        0.6)),
    practice("edamame-dry", "dry_flat", 1, 1080, 60, (100, 165), (178, 270), ("edamame", 700, 0.16, 4.4, 1.4)),
    practice("radish-dry", "dry_flat", 2, 980, 48, (228, 262), (288, 60), ("radish", 2700, 0.18, 1.5, 0.3)),
    practice("broadbean-dry", "dry_flat", 2, 860, 45, (288, 312), (105, 145), ("broad_bean", 640, 0.17, 4.2, 1.2)),
    practice("edamame-irrigated", "irrigated", 1, 1180, 60, (95, 165), (175, 270), ("edamame", 790, 0.15, 4.4, 1.4)),
    practice("tomato-irrigated", "irrigated", 1, 4200, 165, (95, 130), (175, 275), ("tomato", 3100, 0.17, 3.4, 0.8)),
    practice("cucumber-irrigated", "irrigated", 1, 3900, 170, (100, 150), (165, 270), ("cucumber", 3300, 0.17, 3.0,
        0.7)),
    practice("pakchoi-irrigated-1", "irrigated", 1, 1900, 105, (75, 195), (110, 240), ("pakchoi", 1500, 0.17, 3.4,
        0.6)),
    practice("pakchoi-irrigated-2", "irrigated", 2, 1850, 100, (228, 290), (265, 50), ("pakchoi", 1650, 0.18, 3.4,
        0.6)),
    practice("spinach-irrigated", "irrigated", 2, 1600, 95, (245, 295), (290, 110), ("spinach", 1250, 0.18, 5.0,
        0.9)),
    practice("radish-irrigated", "irrigated", 2, 1050, 48, (228, 262), (288, 60), ("radish", 3000, 0.16, 1.5, 0.3)),
    practice("tomato-greenhouse-1", "greenhouse", 1, 6500, 220, (38, 75), (130, 215), ("tomato", 4600, 0.15, 3.9,
        0.9)),
    practice("tomato-greenhouse-2", "greenhouse", 2, 6900, 225, (215, 245), (305, 60), ("tomato", 4100, 0.15, 4.6,
        0.9)),
    practice("cucumber-greenhouse-1", "greenhouse", 1, 6100, 225, (45, 85), (115, 205), ("cucumber", 5000, 0.15, 3.4,
        0.8)),
    practice("cucumber-greenhouse-2", "greenhouse", 2, 6300, 230, (220, 250), (280, 30), ("cucumber", 4300, 0.15, 4.2,
        0.8)),
    practice("pakchoi-greenhouse", "greenhouse", 2, 2500, 115, (250, 320), (300, 80), ("pakchoi", 1800, 0.15, 3.8,
        0.6)),
    practice("grape-orchard", "orchard", 1, 6200, 175, (60, 90), (190, 295), ("grape", 1450, 0.17, 8.2, 2.4), last=2),
)
PRICE_SPREAD = 0.15  # low and high price around the expected one; assumed
LAND_SHARES = {"paddy": 0.4, "dry_flat": 0.2, "irrigated": 0.2, "greenhouse": 0.1, "orchard": 0.1}  # assumed
AREA_MU = {"paddy": 7.0, "dry_flat": 2.2, "irrigated": 1.3, "greenhouse": 1.2, "orchard": 1.5}  # mean plot; assumed
PICK_GAP_DAYS = 7  # between two cuts of a planting; assumed
COLD_ROOM_KG_PER_MU = 60.0  # assumed
COVER_WARMTH_C = 8.0  # a greenhouse adds on cool days; assumed
PLOT_AREA_SIGMA = 0.45  # log-normal spread of plot areas; assumed
SOILS = {
    "paddy": "水稻土", "dry_flat": "砂姜黑土", "irrigated": "潮土", "greenhouse": "潮土", "orchard": "沙壤土",
}
PLOT_EFFECT_SD = 0.06  # log effect of a plot that lasts; assumed
WEATHER_EFFECT = {"heat": -0.035, "wet": -0.03, "cool": -0.03}  # log yield per standard deviation; assumed
PICKS = {  # cuts a planting; assumed
    "tomato": 6, "cucumber": 7, "grape": 4, "crab": 5, "pakchoi": 2, "spinach": 2,
}
PRACTICE_CHANCE = {  # how often members choose what (weights within land class and season); assumed
    "rice-paddy": 0.6, "ricecrab-paddy": 0.4, "sweetpotato-dry": 0.6, "edamame-dry": 0.4, "radish-dry": 0.35,
    "broadbean-dry": 0.3, "broadbean-paddy": 0.3, "edamame-irrigated": 0.25, "tomato-irrigated": 0.25,
    "cucumber-irrigated": 0.2, "pakchoi-irrigated-1": 0.3, "pakchoi-irrigated-2": 0.4,
    "spinach-irrigated": 0.4, "radish-irrigated": 0.2, "tomato-greenhouse-1": 0.55,
    "cucumber-greenhouse-1": 0.45, "tomato-greenhouse-2": 0.35, "cucumber-greenhouse-2": 0.35,
    "pakchoi-greenhouse": 0.3, "grape-orchard": 1.0,
}
FALLOW_CHANCE = {1: 0.02, 2: 0.25}  # by season; assumed
FALLOW_PADDY_WINTER = 0.75  # assumed
REPEAT_CHANCE = 0.75  # members plant in a season what they planted there a year ago; assumed
CONTRACT_SHARES = {"rice": .08, "pakchoi": .1, "tomato": .05}  # of a year's demand, to canteens; assumed
ADOPTED_SHARE = 0.04  # of paddy land; assumed
ADOPTION_KG_PER_MU = {"rice": 441.0, "crab": 5.0}  # [adoption] 600 jin of rice (as paddy), 10 jin of crab a mu
PREORDER_CRAB_SHARE = 0.06  # of a year's demand, before Mid-Autumn; assumed
BROKEN_PROMISE_SHARE = 0.3  # of the price, paid for what was promised and not delivered; assumed
HARVEST_HOURS_PER_KG = {  # assumed
    "rice": 0.004, "crab": 0.12, "sweet_potato": 0.012, "grape": 0.03, "radish": 0.008,
}
HARVEST_HOURS_PER_KG_OTHER = 0.025  # assumed
CREW_WORKERS = (4, 9)  # from, to; assumed
CREW_HOURS_PER_DAY = 8.0  # assumed
TRANSIT_KM_PER_HOUR = 55.0  # assumed
TRANSIT_YUAN_PER_KG_HOUR = 0.035  # assumed

# ─────────────── weather of the station (assumed, after the climate of the Huai plain) ───────────────
WEATHER = {
    "mean_c": 15.2, "season_c": 13.2, "coldest_doy": 20, "diurnal_c": 4.6, "front_sd_c": 3.1,
    "front_days": 3.0, "year_sd_c": 0.55, "wet_share": 0.26, "wet_summer": 0.14, "wet_stays": 0.58,
    "rain_mm": 10.5, "rain_summer": 0.55, "wind_m_s": 2.6, "pressure_hpa": 1016.0, "pressure_season_hpa": 11.0,
}
FORECAST_ERROR_C_PER_DAY = 0.45  # grows with the square root of lead days; assumed
FORECAST_DAYS = 7

# ─────────────── selling ───────────────

CHANNELS = (
    Channel("taobao", "淘宝旗舰店", "taobao", "qinghe-taobao", 0.05, 1.0, (1.05, 0.93, 0.9, 0.96, 1.12, 1.1, 0.94), 1.0,
        -1.7, 1.0, 0.25),
    Channel("douyin", "抖音小店", "douyin", "qinghe-douyin", 0.08, 0.9, (0.82, 0.84, 0.9, 0.98, 1.14, 1.26, 1.06),
        0.97, -2.1, 0.8, 2.0),
    Channel("pinduoduo", "拼多多店", "pinduoduo", "qinghe-pdd", 0.02, 1.2, (1.08, 1.02, 0.97, 0.95, 0.98, 1.04, 0.96), 0.9,
        -2.6, 0.7, 0.1),
    Channel("shopify", "会员商城", "shopify", "qinghe-member", 0.0, 0.35, (0.7, 0.75, 0.9, 1.2, 1.6, 1.0, 0.85),
        1.08, -1.1, 0.35, 0.0),
    Channel("taobao-b", "天猫专营店", "taobao", "qinghe-tmall", 0.05, 0.8, (1.05, 0.93, 0.9, 0.96, 1.12, 1.1, 0.94),
        1.03, -1.5, 1.0, 0.2),
)
REGIONS = {  # province or city → weight; orders of magnitude assumed
    "江苏省": 1.5, "上海市": 1.3, "浙江省": 1.15, "广东省": 0.95, "北京市": 0.9, "山东省": 0.75, "安徽省": 0.7, "湖北省": 0.55,
    "河南省": 0.6, "四川省": 0.5, "福建省": 0.5, "湖南省": 0.45, "天津市": 0.4, "河北省": 0.45, "辽宁省": 0.4, "重庆市": 0.35,
    "陕西省": 0.35, "江西省": 0.35, "广西壮族自治区": 0.25, "黑龙江省": 0.25, "吉林省": 0.2, "山西省": 0.25, "云南省": 0.2, "贵州省": 0.18,
    "内蒙古自治区": 0.18, "甘肃省": 0.14, "海南省": 0.12, "新疆维吾尔自治区": 0.1, "宁夏回族自治区": 0.06, "青海省": 0.05, "西藏自治区": 0.03,
    "香港特别行政区": 0.08, "澳门特别行政区": 0.04, "台湾省": 0.02,
}
CITIES = (  # only in size county, beside their provinces
    "南京市", "苏州市", "无锡市", "杭州市", "宁波市", "广州市", "深圳市", "济南市", "青岛市", "合肥市", "武汉市", "郑州市", "成都市", "厦门市", "长沙市",
        "西安市",
)
REGION_KM = (60, 1900)  # distance drawn within; assumed

PRODUCTS = (  # grade, pack, kg, yuan/kg, weight
    *packs("rice", "清禾大米", "rice",
        ("一级", "5kg", 5, 8.2, 1.3), ("一级", "10kg", 10, 7.6, .6), ("特级", "2.5kg", 2.5, 13.5, .6),
        ("特级", "蟹田米5kg", 5, 15.8, .7), ("二级", "15kg", 15, 6.2, .2), ("特级", "蟹田米礼盒2.5kg", 2.5, 21, .3)),
    *packs("crab", "清禾大闸蟹", "crab",
        ("一级", "公3.5两母2.5两8只", 1.2, 135, .8), ("特级", "公4两母3两8只", 1.4, 190, .5), ("二级", "公2.5两10只", 1.1, 96, .4),
        ("特级", "公4.5两母3.5两6只", 1.2, 235, .15), ("一级", "公3两10只", 1.4, 118, .4), ("特级", "礼券4两10只", 1.7, 205, .2)),
    *packs("sweet_potato", "沙地红薯", "sweet potato",
        ("一级", "2.5kg", 2.5, 7.4, 1.6), ("一级", "5kg", 5, 6.4, 1.2), ("特级", "蜜薯2.5kg", 2.5, 9.8, .8),
        ("二级", "迷你薯2.5kg", 2.5, 5.6, .6), ("特级", "礼盒3kg", 3, 11.5, .3)),
    *packs("grape", "阳光葡萄", "grape",
        ("一级", "2kg", 2, 22, 1.5), ("特级", "2kg礼盒", 2, 33, .6), ("一级", "3kg", 3, 20, .9), ("二级", "2.5kg", 2.5, 15.5, .7),
        ("二级", "4kg", 4, 13.8, .4)),
    *packs("pakchoi", "小青菜", "pak choi",
        ("一级", "1.5kg", 1.5, 11.5, 2.0), ("特级", "1kg", 1, 15, 1.2), ("一级", "2.5kg", 2.5, 10, 1.0), ("二级", "3kg", 3, 7.6, .5)),
    *packs("tomato", "番茄", "tomato",
        ("一级", "2.5kg", 2.5, 10.5, 2.4), ("特级", "2kg", 2, 14.5, 1.3), ("二级", "5kg", 5, 7.2, .9), ("特级", "礼盒2.5kg", 2.5, 17, .4)),
    *packs("cucumber", "水果黄瓜", "cucumber",
        ("一级", "2kg", 2, 11, 1.7), ("特级", "1.5kg", 1.5, 15, .9), ("二级", "3kg", 3, 8, .6)),
    *packs("edamame", "毛豆", "edamame",
        ("一级", "2kg", 2, 13, 1.5), ("特级", "1kg", 1, 17, .8), ("二级", "2.5kg", 2.5, 9, .5)),
    *packs("spinach", "菠菜", "spinach", ("一级", "1.5kg", 1.5, 14, 1.5), ("特级", "1kg", 1, 18, .8)),
    *packs("radish", "水果萝卜", "radish", ("一级", "2.5kg", 2.5, 6.2, 1.4)),
    *packs("broad_bean", "鲜蚕豆", "broad bean", ("一级", "2kg", 2, 12.5, 1.5)),
)
TINY_PRODUCTS = ("rice-1", "crab-1", "sp-1", "grape-1", "pakchoi-1", "tomato-1", "cucumber-1", "edamame-1")
CROP_KG_PER_PRODUCT_KG = {"rice": 1.47}  # paddy per milled rice: 68 % outturn, assumed
ON_SALE = {  # first and last day of the year; absent: all year. Crab opens late in September (trade press), else assumed
    "crab": (263, 365), "sweet_potato": (253, 130), "grape": (188, 297), "edamame": (172, 278),
    "spinach": (288, 121), "radish": (288, 69), "broad_bean": (100, 150),
}
SEASON_WAVE = {  # (log amplitude, day of the peak); assumed
    "rice": (0.12, 330), "crab": (0.5, 300), "sweet_potato": (0.35, 335), "grape": (0.45, 238),
    "pakchoi": (0.2, 20), "tomato": (0.3, 185), "cucumber": (0.35, 190), "edamame": (0.45, 215),
    "spinach": (0.3, 10), "radish": (0.25, 340), "broad_bean": (0.5, 122),
}
FESTIVALS = {  # lunar (month, day) or -1 days to new year's eve; family factors: (peak log uplift, days before it starts)
    "spring": ((1, 1), {"rice": (0.75, 24), "crab": (0.2, 10), "sweet_potato": (0.6, 24), "tomato": (0.45, 14),
        "pakchoi": (0.4, 10), "spinach": (0.4, 10), "radish": (0.5, 14), "cucumber": (0.35, 12)}),
    "lantern": ((1, 15), {"rice": (0.2, 6), "spinach": (0.2, 4)}),
    "dragon_boat": ((5, 5), {"rice": (0.45, 12), "tomato": (0.15, 6), "cucumber": (0.2, 6)}),
    "mid_autumn": ((8, 15), {"crab": (1.1, 16), "grape": (0.7, 14), "rice": (0.25, 12), "edamame": (0.5, 6)}),
    "double_ninth": ((9, 9), {"crab": (0.5, 10), "rice": (0.15, 6)}),
    "laba": ((12, 8), {"rice": (0.45, 10)}),
}
FESTIVAL_DIP = -0.35  # log change in the week after; assumed
SPRING_CLOSED = (-2, 4, -1.6)  # couriers rest from, to (days about new year), log change; assumed
CAMPAIGNS = {  # name: (starts, ends) as (month, day), log uplift, discount share, presale days; dates by name, rest assumed
    "99划算节": ((9, 7), (9, 10), 0.45, 0.1, 0),
    "双11": ((11, 1), (11, 11), 0.75, 0.15, 11),
    "双12": ((12, 10), (12, 12), 0.45, 0.1, 0),
    "618": ((6, 1), (6, 20), 0.55, 0.14, 8),
}
NEW_YEAR_GOODS = ("年货节", -30, -10, 0.40, 0.08)  # days about lunar new year
CAMPAIGN_LAST_DAYS = (2, 0.55)  # extra log uplift in the last days
LIVE = {  # assumed
    "uplift": 1.55, "uplift_sd": 0.35, "dip": -0.35, "dip_days": 4, "discount": 0.18, "plan_days": 35,
}
PROMOTION = {"per_year": 9.0, "days": 5}  # of a product in a channel; assumed
PROMOTION_DISCOUNT = (0.08, 0.25)  # assumed
PLAN_DAYS = 35  # prices, campaigns and slots are decided this far ahead; assumed
LAUNCH_SHARE = 0.18  # of products with sisters of the same crop, launched within the records; assumed
LAUNCH_RAMP_DAYS = 24.0
LAUNCH_BUMP = 0.35
SERIES_SPREAD = 0.7  # log spread of product tastes between channels and between regions; assumed
LEVEL = {"weekly_sd": 0.13, "stays": 0.92, "trend_sd": 0.12}  # AR(1) of a product's level, per week; assumed
DISPERSION = (6.0, 16.0)  # negative binomial size, drawn per product; assumed
ELASTICITY_SPREAD = 0.2
HOUR_PROFILE = (  # relative, by hour of the day; assumed
    0.8, 0.4, 0.25, 0.2, 0.2, 0.4, 1.2, 2.4, 3.6, 4.8, 5.4, 5.2, 4.6, 4.2, 4.3, 4.6, 4.6, 4.4, 4.6, 5.6, 7.0,
        7.4, 5.6, 2.6,
)

# ─────────────── stores ───────────────
STOCK = {  # tuned to 10-25 % product-days with a stock-out; assumed
    "mean_days": 14, "cover": 2.45, "floor_packs": 1, "shortfalls_per_year": 2.2, "shortfall_days": 5,
    "shortfall_left": 0.3,
}
LINE_QUANTITY = (0.78, 0.16, 0.06)  # chance that a line asks for 1, 2, 3 packs at most; assumed
MERGE_CHANCE = 0.12  # a line joins the order before it; assumed
UNPAID_SHARE, REFUND_BEFORE_SHARE, REFUND_AFTER_SHARE = 0.03, 0.02, 0.015  # of lines; assumed
SHIP_HOURS, RECEIVE_HOURS = (6, 46), (36, 130)
DOUBLE_PACK_SHARE = 0.5  # of even lines of products that also list a pack of two; assumed
UNMAPPED_SHARE = 0.015  # of lines, seller codes that no listing knows; assumed

# ─────────────── sensors ───────────────
SENSOR_NOISE = {
    "soil_vwc": 0.004, "soil_temp_c": 0.15, "air_temp_c": 0.2, "rel_humidity_pct": 1.2, "water_temp_c": 0.12,
    "battery_v": 0.01,
}
FAULTS_PER_SENSOR_MONTH = {  # assumed
    "duplicate": 1.0, "spike": 1.0, "stuck": 0.22, "sentinel": 0.9, "gap": 0.35,
}
CLOCK_FAULT_SHARE = 0.5  # of loggers, one stretch with a shifted clock; assumed
SENTINELS = {  # two-byte and probe error values; last one is a well-known probe's "not connected"
    "soil_vwc": -999.0, "soil_temp_c": -999.0, "air_temp_c": -999.0, "rel_humidity_pct": 655.35,
    "water_temp_c": -127.0,
}
SPIKES = {
    "soil_vwc": 0.3, "soil_temp_c": 22.0, "air_temp_c": 24.0, "rel_humidity_pct": -58.0, "water_temp_c": 19.0,
}
STUCK_HOURS = (30, 72)
GAP_HOURS = (8, 60)
CLOCK_SHIFT_DAYS = 365 * 8
