DROP FUNCTION legacy_rps.read_order(uuid, uuid, uuid);
DROP FUNCTION legacy_rps.read_list(text, uuid, uuid, text, text, text, text, text, text, integer, bigint);
DROP FUNCTION legacy_rps.transactions_query(text, text);
DROP FUNCTION legacy_rps.customers_query(text, text);
DROP FUNCTION legacy_rps.orders_query(text, text);
DROP FUNCTION legacy_rps.time(timestamptz);
DROP FUNCTION legacy_rps.number(numeric);
