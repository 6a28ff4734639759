-- One step of a job per function, one round trip per step. Each locks the queue's row first, then the slot's, then the
-- job's, so no two of them wait for each other; NOTIFY tells the processes that run jobs to look again.
CREATE FUNCTION job_create(
    p_org uuid, p_id uuid, p_queue text, p_concurrency integer, p_workflow text, p_parameters jsonb,
    p_reference text, p_principal text, p_request_id text
) RETURNS SETOF jobs LANGUAGE plpgsql AS $$
DECLARE
    next bigint;
BEGIN
    INSERT INTO job_queues AS q (org_id, name, concurrency, last_number) VALUES (p_org, p_queue, p_concurrency, 1)
        ON CONFLICT (org_id, name)
        DO UPDATE SET last_number = q.last_number + 1, concurrency = excluded.concurrency
        RETURNING q.last_number INTO next;
    PERFORM pg_notify('caravan_jobs', '');
    RETURN QUERY INSERT INTO jobs
        (org_id, id, queue, number, workflow, parameters, reference, principal, request_id, created_at)
        VALUES (p_org, p_id, p_queue, next, p_workflow, p_parameters, p_reference, p_principal, p_request_id,
            clock_timestamp())
        RETURNING *;
END $$;

-- Answers the state the job was in, NULL when there is none.
CREATE FUNCTION job_cancel(p_org uuid, p_queue text, p_number bigint) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    was text;
    moment timestamptz;
BEGIN
    PERFORM FROM job_queues q WHERE q.org_id = p_org AND q.name = p_queue FOR NO KEY UPDATE;
    moment := clock_timestamp();  -- once: two calls of one statement may differ
    SELECT j.state INTO was FROM jobs j WHERE j.org_id = p_org AND j.queue = p_queue AND j.number = p_number;
    IF was IN ('pending', 'running') THEN
        UPDATE jobs SET state = 'cancelled', reason = 'cancelled', cancel_requested_at = moment,
            finished_at = moment, ended_at = CASE was WHEN 'pending' THEN moment END
            WHERE org_id = p_org AND queue = p_queue AND number = p_number;
        PERFORM pg_notify('caravan_jobs', '');
    END IF;
    RETURN was;
END $$;

-- Takes a free slot of any queue for its next job, which is running when this commits; no row when there is none.
CREATE FUNCTION job_claim(p_holder text, p_lease double precision) RETURNS SETOF jobs LANGUAGE plpgsql AS $$
DECLARE
    q record;
    free integer;
    chosen uuid;
    taken bigint;
BEGIN
    FOR q IN SELECT k.org_id, k.name FROM job_queues k
        WHERE k.pending > 0 AND (k.hold_expires_at IS NULL OR k.hold_expires_at <= clock_timestamp())
        AND k.concurrency > (SELECT count(*) FROM job_slots s
            WHERE s.org_id = k.org_id AND s.queue = k.name AND s.holder IS NOT NULL)
        ORDER BY k.claimed_at NULLS FIRST LIMIT 50
    LOOP
        PERFORM FROM job_queues k WHERE k.org_id = q.org_id AND k.name = q.name
            AND (k.hold_expires_at IS NULL OR k.hold_expires_at <= clock_timestamp())
            FOR NO KEY UPDATE SKIP LOCKED;
        CONTINUE WHEN NOT FOUND;
        SELECT min(n) INTO free FROM job_queues k, generate_series(1, k.concurrency) n
            WHERE k.org_id = q.org_id AND k.name = q.name AND NOT EXISTS (SELECT FROM job_slots s
                WHERE s.org_id = q.org_id AND s.queue = q.name AND s.slot = n AND s.holder IS NOT NULL);
        CONTINUE WHEN free IS NULL OR (SELECT count(*) >= max(k.concurrency) FROM job_queues k, job_slots s
            WHERE k.org_id = q.org_id AND k.name = q.name
            AND s.org_id = q.org_id AND s.queue = q.name AND s.holder IS NOT NULL);
        SELECT j.id INTO chosen FROM jobs j
            WHERE j.org_id = q.org_id AND j.queue = q.name AND j.state = 'pending' ORDER BY j.number LIMIT 1;
        CONTINUE WHEN NOT FOUND;
        INSERT INTO job_slots AS s (org_id, queue, slot, holder, job_id, fence, expires_at)
            VALUES (q.org_id, q.name, free, p_holder, chosen, 1, clock_timestamp() + make_interval(secs => p_lease))
            ON CONFLICT (org_id, queue, slot) DO UPDATE SET holder = excluded.holder, job_id = excluded.job_id,
                fence = s.fence + 1, expires_at = excluded.expires_at
            RETURNING s.fence INTO taken;
        UPDATE job_queues SET claimed_at = clock_timestamp() WHERE org_id = q.org_id AND name = q.name;
        RETURN QUERY UPDATE jobs SET state = 'running', started_at = clock_timestamp(), fence = taken
            WHERE org_id = q.org_id AND id = chosen RETURNING *;
        RETURN;
    END LOOP;
END $$;

-- Writes how a job ended and gives its slot back. Answers the job's state, NULL when the slot is no longer the caller's.
CREATE FUNCTION job_finish(
    p_org uuid, p_id uuid, p_holder text, p_fence bigint, p_state text, p_reason text, p_error text,
    p_exit_code integer, p_signal integer, p_duration_ms bigint, p_peak_memory bigint, p_output_bytes bigint,
    p_progress jsonb, p_result jsonb
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    its_queue text;
    was text;
    moment timestamptz;
BEGIN
    SELECT j.queue INTO its_queue FROM jobs j WHERE j.org_id = p_org AND j.id = p_id;
    PERFORM FROM job_queues q WHERE q.org_id = p_org AND q.name = its_queue FOR NO KEY UPDATE;
    UPDATE job_slots SET holder = NULL, job_id = NULL, expires_at = NULL
        WHERE org_id = p_org AND queue = its_queue AND job_id = p_id AND holder = p_holder AND fence = p_fence;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    SELECT j.state INTO was FROM jobs j WHERE j.org_id = p_org AND j.id = p_id;
    moment := clock_timestamp();
    UPDATE jobs SET
        state = CASE was WHEN 'running' THEN p_state ELSE state END,
        reason = CASE was WHEN 'running' THEN p_reason ELSE reason END,
        error = CASE was WHEN 'running' THEN p_error ELSE error END,
        result = CASE was WHEN 'running' THEN p_result ELSE result END,
        finished_at = coalesce(finished_at, moment), ended_at = moment,
        exit_code = p_exit_code, signal = p_signal, duration_ms = p_duration_ms, peak_memory = p_peak_memory,
        output_bytes = p_output_bytes, progress = coalesce(p_progress, progress)
        WHERE org_id = p_org AND id = p_id AND ended_at IS NULL;
    PERFORM pg_notify('caravan_jobs', '');
    RETURN (SELECT j.state FROM jobs j WHERE j.org_id = p_org AND j.id = p_id);
END $$;
