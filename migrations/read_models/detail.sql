CREATE FUNCTION read_@name@(p_org uuid, p_client uuid, p_id uuid)
RETURNS bytea LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $function$
DECLARE
    answer bytea;
BEGIN
    PERFORM set_config('caravan.org', p_org::text, true);
    SELECT read_detail_answer(r.version, r.body) INTO answer FROM (
        SELECT t.version, (SELECT row_to_json(x)::text FROM (SELECT @columns@) x) AS body
        FROM @table@ t
        WHERE t.org_id = p_org AND t.id = p_id AND t.deleted_at IS NULL
          AND (p_client IS NULL OR t.client_id = p_client)
        OFFSET 0) r;
    RETURN answer;
END
$function$;
