-- Money as the legacy service printed it: at least one decimal, no zeros behind (12.0, 16.89, 0.0001).
CREATE FUNCTION legacy_rps.number(p_value numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN scale(trim_scale(p_value)) = 0 THEN round(p_value, 1) ELSE trim_scale(p_value) END
$$;

-- Times as it printed them: ISO 8601 with offset, six decimals or none.
CREATE FUNCTION legacy_rps.time(p_time timestamptz) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT to_char(
        p_time AT TIME ZONE 'UTC',
        CASE WHEN date_trunc('second', p_time) = p_time THEN 'YYYY-MM-DD"T"HH24:MI:SS"+00:00"'
             ELSE 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"' END)
$$;

-- The statement of each list, without its ORDER BY when p_sort is NULL. Its parameters: $1 organisation, $2 client
-- or NULL, $3 LIKE pattern or NULL, $4 state or processor or '', $5 and $6 the bounds of created_at or NULL.
CREATE FUNCTION legacy_rps.orders_query(p_sort text, p_dir text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT $q$SELECT t.id, t.number AS order_number, coalesce(r.state, t.state) AS state,
           legacy_rps.number(t.total_amount) AS total_amount, t.currency, t.email, t.customer_id,
           legacy_rps.time(t.created_at) AS created_at
        FROM orders t LEFT JOIN legacy_rps.orders r ON r.org_id = t.org_id AND r.id = t.id
        WHERE t.org_id = $1::uuid AND t.deleted_at IS NULL
          AND ($2::uuid IS NULL OR t.client_id = $2::uuid)
          AND ($3::text IS NULL OR lower(t.number) LIKE $3::text OR lower(t.email) LIKE $3::text)
          AND ($4::text = '' OR lower(coalesce(r.state, t.state)) = $4::text)
          AND ($5::text IS NULL OR t.created_at >= $5::text::timestamptz)
          AND ($6::text IS NULL OR t.created_at < $6::text::timestamptz)$q$
        || coalesce(' ORDER BY ' || CASE p_sort
            WHEN 'order_number' THEN 't.number' WHEN 'total_amount' THEN 't.total_amount'
            WHEN 'state' THEN 'coalesce(r.state, t.state)' WHEN 'email' THEN 't.email'
            ELSE CASE WHEN p_sort IS NOT NULL THEN 't.created_at' END END
            || CASE p_dir WHEN 'asc' THEN ', t.id' ELSE ' DESC, t.id DESC' END, '')
$$;

CREATE FUNCTION legacy_rps.customers_query(p_sort text, p_dir text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT $q$SELECT t.id, t.first_name, t.last_name, t.email, legacy_rps.time(t.created_at) AS created_at
        FROM customers t
        WHERE t.org_id = $1::uuid AND t.deleted_at IS NULL
          AND ($2::uuid IS NULL OR t.client_id = $2::uuid)
          AND ($3::text IS NULL OR lower(t.email) LIKE $3::text
               OR lower(coalesce(t.first_name, '') || ' ' || coalesce(t.last_name, '')) LIKE $3::text)
          AND $4::text = ''
          AND ($5::text IS NULL OR t.created_at >= $5::text::timestamptz)
          AND ($6::text IS NULL OR t.created_at < $6::text::timestamptz)$q$
        || coalesce(' ORDER BY ' || CASE p_sort
            WHEN 'email' THEN 't.email' WHEN 'first_name' THEN 't.first_name' WHEN 'last_name' THEN 't.last_name'
            ELSE CASE WHEN p_sort IS NOT NULL THEN 't.created_at' END END
            || CASE p_dir WHEN 'asc' THEN ', t.id' ELSE ' DESC, t.id DESC' END, '')
$$;

CREATE FUNCTION legacy_rps.transactions_query(p_sort text, p_dir text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT $q$SELECT t.id, t.order_id, coalesce(r.state, t.state) AS state, legacy_rps.number(t.amount) AS amount,
           t.currency, t.processor, t.response_code, legacy_rps.time(t.created_at) AS created_at
        FROM transactions t LEFT JOIN legacy_rps.transactions r ON r.org_id = t.org_id AND r.id = t.id
        WHERE t.org_id = $1::uuid AND t.deleted_at IS NULL
          AND ($2::uuid IS NULL OR t.client_id = $2::uuid)
          AND ($3::text IS NULL OR lower(t.processor) LIKE $3::text OR lower(t.response_code) LIKE $3::text)
          AND ($4::text = '' OR lower(t.processor) = $4::text)
          AND ($5::text IS NULL OR t.created_at >= $5::text::timestamptz)
          AND ($6::text IS NULL OR t.created_at < $6::text::timestamptz)$q$
        || coalesce(' ORDER BY ' || CASE p_sort
            WHEN 'amount' THEN 't.amount' WHEN 'processor' THEN 't.processor'
            WHEN 'state' THEN 'coalesce(r.state, t.state)' WHEN 'response_code' THEN 't.response_code'
            ELSE CASE WHEN p_sort IS NOT NULL THEN 't.created_at' END END
            || CASE p_dir WHEN 'asc' THEN ', t.id' ELSE ' DESC, t.id DESC' END, '')
$$;

-- One page: {rows, limit, offset, q, [p_echo: state or processor,] total, sort, dir}.
CREATE FUNCTION legacy_rps.read_list(
    p_list text, p_org uuid, p_client uuid, p_q text, p_word text, p_from text, p_to text,
    p_sort text, p_dir text, p_limit integer, p_offset bigint)
RETURNS bytea LANGUAGE plpgsql STABLE AS $function$
DECLARE
    total bigint;
    page text;
    pattern text := CASE WHEN p_q <> '' THEN read_contains(p_q) END;
    found text;
    sorted text;
    echo text := '';
BEGIN
    PERFORM set_config('caravan.org', p_org::text, true);
    CASE p_list
        WHEN 'orders' THEN
            found := legacy_rps.orders_query(NULL, p_dir);
            sorted := legacy_rps.orders_query(p_sort, p_dir);
            echo := ',"state":' || to_json(p_word);
        WHEN 'customers' THEN
            found := legacy_rps.customers_query(NULL, p_dir);
            sorted := legacy_rps.customers_query(p_sort, p_dir);
        WHEN 'transactions' THEN
            found := legacy_rps.transactions_query(NULL, p_dir);
            sorted := legacy_rps.transactions_query(p_sort, p_dir);
            echo := ',"processor":' || to_json(p_word);
    END CASE;
    EXECUTE 'SELECT count(*) FROM (' || found || ') f' INTO total
    USING p_org, p_client, pattern, p_word, p_from, p_to;
    EXECUTE 'SELECT string_agg(row_to_json(r)::text, '','') FROM (' || sorted || ' LIMIT $7 OFFSET $8) r' INTO page
    USING p_org, p_client, pattern, p_word, p_from, p_to, p_limit, p_offset;
    RETURN convert_to(
        '{"rows":[' || coalesce(page, '') || '],"limit":' || p_limit || ',"offset":' || p_offset
        || ',"q":' || to_json(p_q) || echo || ',"total":' || total
        || ',"sort":' || to_json(p_sort) || ',"dir":' || to_json(p_dir) || '}',
        'UTF8');
END
$function$;
