t.extra,
coalesce(
    (SELECT json_agg(row_to_json(a)) FROM (
        SELECT a.id, a.kind, a.name, a.company, a.line1, a.line2, a.city, a.region, a.postal_code, a.country, a.phone
        FROM addresses a
        WHERE a.org_id = p_org AND a.customer_id = t.id
        ORDER BY a.kind, a.created_at, a.id) a),
    '[]') AS addresses
