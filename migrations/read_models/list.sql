-- The first page in the usual order has one plan for all tenants; anything else is planned with its values.
-- Its constant limit, the longest page and one, tells the planner that few rows are wanted.
CREATE FUNCTION read_@name@(
    p_org uuid, p_client uuid, p_filters jsonb, p_sort text, p_limit integer, p_after text, p_after_id uuid)
RETURNS bytea LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $function$
DECLARE
    bodies text[];
    keys text[];
    ids uuid[];
    sort_key text;
    sort_type text;
    descending boolean := starts_with(p_sort, '-');
BEGIN
    PERFORM set_config('caravan.org', p_org::text, true);
    IF p_sort = '-created_at' AND p_client IS NULL AND p_filters IS NULL AND p_after IS NULL THEN
        SELECT array_agg(r.body), array_agg(r.key), array_agg(r.id) INTO bodies, keys, ids FROM (
            SELECT (SELECT row_to_json(x)::text FROM (SELECT @columns@) x) AS body,
                   t.created_at::text AS key, t.id
            FROM (
                SELECT * FROM @table@ u
                WHERE u.org_id = p_org AND u.deleted_at IS NULL
                ORDER BY u.created_at DESC, u.id DESC LIMIT 201) t
            LIMIT p_limit + 1) r;
    ELSE
        SELECT s.key, s.type INTO STRICT sort_key, sort_type
        FROM (VALUES @sorts@) s (name, key, type) WHERE s.name = ltrim(p_sort, '-');
        EXECUTE $q$
            SELECT array_agg(r.body), array_agg(r.key), array_agg(r.id) FROM (
                SELECT (SELECT row_to_json(x)::text FROM (SELECT @columns@) x) AS body, ($q$ || sort_key || $q$)::text AS key, t.id
                FROM @table@ t
                WHERE t.org_id = $1 AND t.deleted_at IS NULL$q$
            || CASE WHEN p_client IS NULL THEN '' ELSE ' AND t.client_id = $2' END
            @filters@
            || CASE WHEN p_after IS NULL THEN ''
                    ELSE ' AND (' || sort_key || ', t.id) ' || CASE WHEN descending THEN '<' ELSE '>' END
                         || ' ($4::' || sort_type || ', $5)' END
            || ' ORDER BY ' || sort_key || CASE WHEN descending THEN ' DESC, t.id DESC' ELSE ', t.id' END
            || ' LIMIT $6) r'
        INTO bodies, keys, ids
        USING p_org, p_client, p_filters, p_after, p_after_id, p_limit + 1;
    END IF;
    RETURN read_page_answer(bodies, keys, ids, p_limit, '@name@:' || p_sort);
END
$function$;
