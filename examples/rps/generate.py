"""Write the RPS sample: a MongoDB of an invented shop, with every storage quirk, a few faults, and the truth about both.

    python examples/rps/generate.py --orders 2000 --out examples/rps/dump

The same seed and number of orders give the same documents.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal, cast

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from caravan.migration.load.writers import JsonForm, write_archive, write_dump_directory, write_extended_json
from examples.rps.sample.orders import order_document
from examples.rps.sample.payments import payment_documents
from examples.rps.sample.sales import Shop
from examples.rps.sample.storage import DATABASE
from examples.rps.sample.truth import Truth

Format = Literal["dump", "archive", "ejson-relaxed", "ejson-canonical", "ejson-v1"]
Documents = Iterator[Mapping[str, Any]]

FORMATS: Final[tuple[Format, ...]] = ("dump", "archive", "ejson-relaxed", "ejson-canonical", "ejson-v1")


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--orders", type=int, default=2000)
    options.add_argument("--out", type=Path, required=True)
    options.add_argument("--seed", default="caravan-1")
    options.add_argument("--format", choices=FORMATS, default="dump")
    chosen = options.parse_args()
    generate(chosen.out, orders=chosen.orders, seed=chosen.seed, form=chosen.format)


def generate(out: Path, *, orders: int, seed: str, form: Format = "dump") -> None:
    """Write the collections and ``truth.json`` into ``out``."""
    out.mkdir(parents=True, exist_ok=True)
    shop, truth = Shop(seed, orders), Truth(seed)
    collections = _collections(shop, truth)
    if form == "dump":
        write_dump_directory(out, DATABASE, collections)
    elif form == "archive":
        write_archive(out / "rps.archive", DATABASE, collections)
    else:
        for name, documents in collections.items():
            json_form = cast("JsonForm", form.removeprefix("ejson-"))
            write_extended_json(out / f"{name}.jsonl.gz", documents, json_form, compressed=True)
    (out / "truth.json").write_text(
        json.dumps(truth.report(), indent=1, sort_keys=True) + "\n", encoding="utf-8"
    )


def _collections(shop: Shop, truth: Truth) -> dict[str, Documents]:
    catalogue = shop.catalogue
    customers = (shop.customer(index).document for index in range(shop.customers))
    return {
        "affiliates": _counted(iter(catalogue.affiliates), "affiliates", truth),
        "customers": _counted(customers, "customers", truth),
        "doctrine_increment_ids": iter([{"_id": "promos", "current_id": 2}]),
        "orders": _orders(shop, truth),
        "products": _counted((product.document for product in catalogue.products), "products", truth),
        "promos": _counted((promo.document for promo in catalogue.promos), "promos", truth),
        "transactions": _payments(shop, truth),
    }


def _counted(documents: Documents, name: str, truth: Truth) -> Documents:
    for document in documents:
        truth.count(name)
        yield document


def _orders(shop: Shop, truth: Truth) -> Documents:
    for index in range(shop.orders):
        order = shop.order(index)
        document = order_document(shop, order)
        truth.order(order, document["state"])
        yield document


def _payments(shop: Shop, truth: Truth) -> Documents:
    for index in range(shop.orders):
        order = shop.order(index)
        for document in payment_documents(shop.seed, order):
            truth.payment(order)
            yield document


if __name__ == "__main__":
    main()
