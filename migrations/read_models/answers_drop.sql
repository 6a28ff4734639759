DROP FUNCTION read_detail_answer(integer, text);
DROP FUNCTION read_page_answer(text[], text[], uuid[], integer, text);
DROP FUNCTION read_cursor(text, text, uuid);
DROP FUNCTION read_contains(text);
DROP FUNCTION read_time(timestamptz);
