-- What may follow what, and the watch that lets nothing else happen.
CREATE TABLE job_transitions (
    before text NOT NULL,
    after text NOT NULL,
    CONSTRAINT pk_job_transitions PRIMARY KEY (before, after)
);
INSERT INTO job_transitions (before, after) VALUES
    ('pending', 'running'), ('pending', 'cancelled'),
    ('running', 'completed'), ('running', 'failed'), ('running', 'cancelled');
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON job_transitions FROM caravan_app, caravan_system;

-- A finished job never changes, but for one thing: what the processes of a cancelled one left when they had ended.
CREATE FUNCTION job_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.org_id, NEW.id, NEW.queue, NEW.number, NEW.workflow, NEW.parameters, NEW.reference, NEW.created_at)
        IS DISTINCT FROM
        (OLD.org_id, OLD.id, OLD.queue, OLD.number, OLD.workflow, OLD.parameters, OLD.reference, OLD.created_at) THEN
        RAISE EXCEPTION 'what job % is cannot change', OLD.id USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.state <> OLD.state THEN
        IF NOT EXISTS (SELECT FROM job_transitions t WHERE t.before = OLD.state AND t.after = NEW.state) THEN
            RAISE EXCEPTION 'job % cannot become % from %', OLD.id, NEW.state, OLD.state
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
    ELSIF OLD.state NOT IN ('pending', 'running') THEN
        IF OLD.state <> 'cancelled' OR OLD.ended_at IS NOT NULL
            OR NEW.finished_at IS DISTINCT FROM OLD.finished_at THEN
            RAISE EXCEPTION 'job % has ended and never changes', OLD.id
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER job_guard BEFORE UPDATE ON jobs FOR EACH ROW EXECUTE FUNCTION job_guard();

CREATE FUNCTION job_born() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state <> 'pending' THEN
        RAISE EXCEPTION 'a job begins pending' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER job_born BEFORE INSERT ON jobs FOR EACH ROW EXECUTE FUNCTION job_born();

-- The queue's counters and version move with every job, in the job's own transaction.
CREATE FUNCTION job_counted() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    gone text;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        gone := OLD.state;
    END IF;
    UPDATE job_queues SET
        version = version + 1,
        pending = pending + (NEW.state = 'pending')::int - coalesce((gone = 'pending')::int, 0),
        running = running + (NEW.state = 'running')::int - coalesce((gone = 'running')::int, 0),
        completed = completed + (NEW.state = 'completed')::int - coalesce((gone = 'completed')::int, 0),
        failed = failed + (NEW.state = 'failed')::int - coalesce((gone = 'failed')::int, 0),
        cancelled = cancelled + (NEW.state = 'cancelled')::int - coalesce((gone = 'cancelled')::int, 0)
    WHERE org_id = NEW.org_id AND name = NEW.queue;
    RETURN NULL;
END $$;
CREATE TRIGGER job_counted AFTER INSERT OR UPDATE OF state, ended_at ON jobs
    FOR EACH ROW EXECUTE FUNCTION job_counted();
