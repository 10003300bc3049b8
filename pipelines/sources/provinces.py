"""The 34 provinces: from a province column or an address to a region, never finer."""

import polars as pl

PROVINCES = {
    "北京": ("北京市", "beijing"),
    "天津": ("天津市", "tianjin"),
    "河北": ("河北省", "hebei"),
    "山西": ("山西省", "shanxi"),
    "内蒙古": ("内蒙古自治区", "inner mongolia"),
    "辽宁": ("辽宁省", "liaoning"),
    "吉林": ("吉林省", "jilin"),
    "黑龙江": ("黑龙江省", "heilongjiang"),
    "上海": ("上海市", "shanghai"),
    "江苏": ("江苏省", "jiangsu"),
    "浙江": ("浙江省", "zhejiang"),
    "安徽": ("安徽省", "anhui"),
    "福建": ("福建省", "fujian"),
    "江西": ("江西省", "jiangxi"),
    "山东": ("山东省", "shandong"),
    "河南": ("河南省", "henan"),
    "湖北": ("湖北省", "hubei"),
    "湖南": ("湖南省", "hunan"),
    "广东": ("广东省", "guangdong"),
    "广西": ("广西壮族自治区", "guangxi"),
    "海南": ("海南省", "hainan"),
    "重庆": ("重庆市", "chongqing"),
    "四川": ("四川省", "sichuan"),
    "贵州": ("贵州省", "guizhou"),
    "云南": ("云南省", "yunnan"),
    "西藏": ("西藏自治区", "tibet"),
    "陕西": ("陕西省", "shaanxi"),
    "甘肃": ("甘肃省", "gansu"),
    "青海": ("青海省", "qinghai"),
    "宁夏": ("宁夏回族自治区", "ningxia"),
    "新疆": ("新疆维吾尔自治区", "xinjiang"),
    "台湾": ("台湾省", "taiwan"),
    "香港": ("香港特别行政区", "hong kong"),
    "澳门": ("澳门特别行政区", "macau"),
}
_ANY = "|".join(PROVINCES)
_PINYIN = {pinyin: short for short, (_, pinyin) in PROVINCES.items()}


def region_of(place: pl.Expr) -> pl.Expr:
    """The region_id ('上海', '广东') of a province cell or an address; null where no province is named.

    An address is read as `name，phone，province city …` (a province in the name does not count), or as beginning with
    the province or with the country; pinyin province names count too.
    """
    listed = place.str.extract(rf"^[^，]*，[^，]*，\s*({_ANY})", 1)
    plain = place.str.extract(rf"^(?:中国)?\s*({_ANY})", 1)
    pinyin = place.str.to_lowercase().str.strip_suffix(" province").replace_strict(_PINYIN, default=None)
    is_list = place.str.contains("，", literal=True)
    return pl.when(is_list).then(listed).otherwise(pl.coalesce(plain, pinyin.cast(pl.String)))


def region_name(region_id: str) -> str:
    """The region's name as the platforms write it: 上海市, 广东省; another region keeps its id as its name."""
    return PROVINCES[region_id][0] if region_id in PROVINCES else region_id
