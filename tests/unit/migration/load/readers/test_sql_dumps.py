from pathlib import Path

import pytest

from caravan.migration.load.readers import SourceDamaged, decode, open_source

_POSTGRES = b"""--
-- PostgreSQL database dump
--
SET client_encoding = 'UTF8';
CREATE FUNCTION public.f() RETURNS void LANGUAGE sql AS $$ INSERT INTO x VALUES (1); $$;
CREATE TABLE public.orders (
    id integer NOT NULL,
    note text DEFAULT 'a;b'::text,
    paid numeric(10,2)
);
COPY public.orders (id, note, paid) FROM stdin;
1\ttab\\tand\\nline\t19.90
2\t\\N\tNaN
\\.
INSERT INTO public.orders VALUES (3, 'it''s; fine', 1.50);
ALTER TABLE ONLY public.orders
    ADD CONSTRAINT orders_pkey PRIMARY KEY (id);
--
-- PostgreSQL database dump complete
--
"""


def test_a_plain_dump_of_postgresql_gives_copied_and_inserted_rows(tmp_path: Path):
    file = tmp_path / "dump.sql"
    file.write_bytes(_POSTGRES)
    rows = [decode("row", record.raw) for record in open_source(file).read("orders")]

    assert [(row["id"], row["note"], str(row["paid"])) for row in rows] == [
        (1, "tab\tand\nline", "19.90"),
        (2, None, "NaN"),
        (3, "it's; fine", "1.50"),
    ]


@pytest.mark.parametrize(
    "kept", [_POSTGRES.index(b"2\t"), _POSTGRES.index(b"INSERT INTO public") + 60, len(_POSTGRES) - 60]
)
def test_a_truncated_dump_is_said_with_its_file_and_place(tmp_path: Path, kept: int):
    file = tmp_path / "dump.sql"
    file.write_bytes(_POSTGRES[:kept])
    with pytest.raises(SourceDamaged, match=r"dump\.sql: .*ends.* at byte \d+"):
        list(open_source(file).read("orders"))
