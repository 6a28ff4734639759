SELECT a.id, (SELECT row_to_json(y) FROM (
    SELECT a.id, a.org_id, a.customer_id, a.order_id, a.kind, a.name, a.line1, a.line2, a.city, a.region,
           a.postal_code, a.country, a.phone, legacy_rps.time(a.created_at) AS created_at, NULL AS deleted_at) y) AS body
FROM addresses a WHERE a.org_id = p_org AND a.order_id = t.id
