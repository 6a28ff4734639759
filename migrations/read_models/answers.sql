-- Not marked stricter than what they call, so that the planner puts their bodies in place of the calls.

-- RFC 3339 in UTC with six decimals.
CREATE FUNCTION read_time(p_time timestamptz) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT to_char(p_time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
$$;

-- The LIKE pattern of "contains this text", in lower case; wildcards in the text stand for themselves.
CREATE FUNCTION read_contains(p_text text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT '%' || replace(replace(replace(lower(p_text), '\', '\\'), '%', '\%'), '_', '\_') || '%'
$$;

-- A keyset cursor: URL-safe base64 without padding of ["list:sort", key, id].
CREATE FUNCTION read_cursor(p_order text, p_key text, p_id uuid) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT translate(
        encode(convert_to(json_build_array(p_order, p_key, p_id)::text, 'UTF8'), 'base64'), E'+/=\n', '-_')
$$;

-- The envelope of one page; one row more than the limit says that there is a next page.
CREATE FUNCTION read_page_answer(p_bodies text[], p_keys text[], p_ids uuid[], p_limit integer, p_order text)
RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT convert_to(
        '{"success":true,"data":[' || coalesce(array_to_string(p_bodies[1:p_limit], ','), '')
        || '],"message":null,"errors":[],"pagination":{"limit":' || p_limit || ',"next":'
        || CASE WHEN cardinality(p_bodies) > p_limit
                THEN '"' || read_cursor(p_order, p_keys[p_limit], p_ids[p_limit]) || '"}}'
                ELSE 'null}}' END,
        'UTF8')
$$;

-- The tag of a detail on the first line, its envelope behind; NULL when there is none.
CREATE FUNCTION read_detail_answer(p_version integer, p_body text) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT convert_to(
        p_version || '-' || to_hex(hashtextextended(p_body, 0)) || E'\n{"success":true,"data":' || p_body
        || ',"message":null,"errors":[],"pagination":null}',
        'UTF8')
$$;
