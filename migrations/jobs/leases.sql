-- Renews every slot of one holder; answers what it holds, and whether somebody has cancelled it.
CREATE FUNCTION job_renew(p_holder text, p_lease double precision)
RETURNS TABLE (org_id uuid, job_id uuid, fence bigint, cancelled boolean) LANGUAGE sql AS $$
    UPDATE job_slots s SET expires_at = clock_timestamp() + make_interval(secs => p_lease)
        FROM jobs j WHERE s.holder = p_holder AND j.org_id = s.org_id AND j.id = s.job_id
        RETURNING s.org_id, s.job_id, s.fence, j.state = 'cancelled';
$$;

-- Which jobs of one holder somebody has cancelled.
CREATE FUNCTION job_cancelled(p_holder text) RETURNS TABLE (org_id uuid, job_id uuid) LANGUAGE sql STABLE AS $$
    SELECT s.org_id, s.job_id FROM job_slots s JOIN jobs j ON j.org_id = s.org_id AND j.id = s.job_id
        WHERE s.holder = p_holder AND j.state = 'cancelled';
$$;

-- Who holds slots, and whether a lease of theirs is over: the caller finds out which of them are dead.
CREATE FUNCTION job_holders() RETURNS TABLE (holder text, overdue boolean) LANGUAGE sql STABLE AS $$
    SELECT s.holder, bool_or(s.expires_at <= clock_timestamp()) FROM job_slots s
        WHERE s.holder IS NOT NULL GROUP BY s.holder;
$$;

-- Takes over one slot whose lease is over or whose holder is known to be dead, with the job in it and a higher fence.
-- What the caller itself still looks after (p_mine) is not taken from it.
CREATE FUNCTION job_take_over(p_holder text, p_lease double precision, p_dead text[], p_mine uuid[])
RETURNS TABLE (org_id uuid, job_id uuid, queue text, number bigint, reference text, workflow text, fence bigint)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    s record;
    raised bigint;
BEGIN
    FOR s IN SELECT t.org_id AS org, t.queue AS name, t.slot AS slot, t.fence AS fence FROM job_slots t
        WHERE t.holder IS NOT NULL AND t.job_id <> ALL (p_mine)
        AND (t.expires_at <= clock_timestamp() OR t.holder = ANY (p_dead)) LIMIT 50
    LOOP
        PERFORM FROM job_queues q WHERE q.org_id = s.org AND q.name = s.name FOR NO KEY UPDATE SKIP LOCKED;
        CONTINUE WHEN NOT FOUND;
        UPDATE job_slots t SET holder = p_holder, fence = t.fence + 1,
            expires_at = clock_timestamp() + make_interval(secs => p_lease)
            WHERE t.org_id = s.org AND t.queue = s.name AND t.slot = s.slot AND t.fence = s.fence
            AND t.holder IS NOT NULL
            AND (t.expires_at <= clock_timestamp() OR t.holder = ANY (p_dead))
            RETURNING t.fence INTO raised;
        CONTINUE WHEN NOT FOUND;
        RETURN QUERY SELECT j.org_id, j.id, j.queue, j.number, j.reference, j.workflow, raised FROM jobs j
            JOIN job_slots t ON t.org_id = j.org_id AND t.job_id = j.id
            WHERE t.org_id = s.org AND t.queue = s.name AND t.slot = s.slot;
        RETURN;
    END LOOP;
END $$;
