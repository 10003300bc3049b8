"""Tables of the county as sheets that `anxu load` takes in again unchanged."""

from collections.abc import Mapping

import polars as pl

from serving.published import Release

TABLES: Mapping[str, tuple[str, str, Mapping[str, str]]] = {
    "plots": (
        "plot",
        "地块",
        {
            "plot_id": "地块编号",
            "place_id": "地点编号",
            "land_class": "地块类型",
            "area_mu": "面积(亩)",
            "lat_deg": "纬度",
            "lon_deg": "经度",
            "soil": "土壤",
        },
    ),
    "crops": (
        "crop",
        "作物",
        {
            "crop_id": "作物编号",
            "name_zh": "作物名称",
            "name_en": "英文名",
            "family": "科",
            "kind": "作物类型",
            "is_legume": "豆类",
            "keeps_days": "耐储天数",
            "base_temp_c": "基点温度",
            "mature_gdd_c_d": "成熟积温",
        },
    ),
    "products": (
        "product",
        "商品",
        {
            "product_id": "商品编号",
            "name_zh": "商品名称",
            "name_en": "英文名",
            "family": "品类",
            "grade": "等级",
            "launched_on": "上市日期",
            "shelf_life_days": "保质期(天)",
        },
    ),
    "plantings": (
        "planting",
        "实际种植",
        {
            "plot_id": "地块编号",
            "crop_id": "作物编号",
            "year": "年份",
            "season": "季次",
            "area_mu": "面积(亩)",
            "practice_id": "种植方式编号",
            "sown_on": "播种日期",
        },
    ),
    "harvests": (
        "harvest_event",
        "采收",
        {
            "harvest_id": "采收编号",
            "plot_id": "地块编号",
            "crop_id": "作物编号",
            "harvested_at": "采收时间",
            "harvested_kg": "采收量(公斤)",
            "grade": "等级",
        },
    ),
    "commitments": (
        "commitment",
        "约定",
        {
            "commitment_id": "约定编号",
            "kind": "类型",
            "crop_id": "作物编号",
            "quantity_kg": "数量(公斤)",
            "due_from": "交付起",
            "due_to": "交付止",
            "price_yuan_per_kg": "单价(元/公斤)",
        },
    ),
}
"""Name in the address → table of the release, name of the sheet, column → header."""


def of(release: Release, name: str) -> pl.DataFrame:
    """The rows of a table of TABLES, under the release's names."""
    return release.frame(TABLES[name][0])
