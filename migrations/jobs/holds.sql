-- Holds a queue and cancels what is pending or running in it; no row when somebody else holds it.
CREATE FUNCTION job_hold(p_org uuid, p_queue text, p_holder text, p_lease double precision)
RETURNS TABLE (fence bigint, numbers bigint[]) LANGUAGE plpgsql AS $$
DECLARE
    raised bigint;
    ended bigint[];
    moment timestamptz;
BEGIN
    INSERT INTO job_queues (org_id, name) VALUES (p_org, p_queue) ON CONFLICT (org_id, name) DO NOTHING;
    UPDATE job_queues q SET held_by = p_holder, hold_fence = q.hold_fence + 1,
        hold_expires_at = clock_timestamp() + make_interval(secs => p_lease)
        WHERE q.org_id = p_org AND q.name = p_queue
        AND (q.hold_expires_at IS NULL OR q.hold_expires_at <= clock_timestamp())
        RETURNING q.hold_fence INTO raised;
    IF raised IS NULL THEN
        RETURN;
    END IF;
    moment := clock_timestamp();  -- once: two calls of one statement may differ
    WITH gone AS (
        UPDATE jobs j SET state = 'cancelled', reason = 'cancelled', cancel_requested_at = moment,
            finished_at = moment, ended_at = CASE j.state WHEN 'pending' THEN moment END
            WHERE j.org_id = p_org AND j.queue = p_queue AND j.state IN ('pending', 'running')
            RETURNING j.number
    ) SELECT array_agg(g.number ORDER BY g.number) INTO ended FROM gone g;
    PERFORM pg_notify('caravan_jobs', '');
    RETURN QUERY SELECT raised, coalesce(ended, '{}');
END $$;

CREATE FUNCTION job_hold_renew(p_org uuid, p_queue text, p_fence bigint, p_lease double precision)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    UPDATE job_queues q SET hold_expires_at = clock_timestamp() + make_interval(secs => p_lease)
        WHERE q.org_id = p_org AND q.name = p_queue AND q.hold_fence = p_fence AND q.held_by IS NOT NULL
        AND q.hold_expires_at > clock_timestamp();
    RETURN FOUND;
END $$;

CREATE FUNCTION job_hold_end(p_org uuid, p_queue text, p_fence bigint) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    UPDATE job_queues q SET held_by = NULL, hold_expires_at = NULL
        WHERE q.org_id = p_org AND q.name = p_queue AND q.hold_fence = p_fence AND q.held_by IS NOT NULL;
    IF FOUND THEN
        PERFORM pg_notify('caravan_jobs', '');
        RETURN true;
    END IF;
    RETURN false;
END $$;

-- The version of a queue in one round trip, the tenant set for this statement alone.
CREATE FUNCTION job_queue_version(p_org uuid, p_queue text) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('caravan.org', p_org::text, true);
    RETURN coalesce((SELECT q.version FROM job_queues q WHERE q.org_id = p_org AND q.name = p_queue), 0);
END $$;
