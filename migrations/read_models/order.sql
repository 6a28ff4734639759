t.extra,
(SELECT row_to_json(c) FROM (
    SELECT c.id, c.first_name, c.last_name, c.email, read_time(c.created_at) AS created_at
    FROM customers c
    WHERE c.org_id = p_org AND c.id = t.customer_id AND c.deleted_at IS NULL
      AND (p_client IS NULL OR c.client_id = p_client)) c) AS customer,
coalesce(
    (SELECT json_agg(row_to_json(i)) FROM (
        SELECT i.id, i.position, i.product_id, i.sku, i.name, i.description, i.quantity::text,
               i.quantity_refunded::text, i.quantity_pending_refund::text, i.unit_price::text, i.amount::text,
               i.refunded_amount::text, i.weight::text, i.extra
        FROM order_items i
        WHERE i.org_id = p_org AND i.order_id = t.id
        ORDER BY i.position, i.id) i),
    '[]') AS items,
(SELECT row_to_json(a) FROM (
    SELECT a.id, a.kind, a.name, a.company, a.line1, a.line2, a.city, a.region, a.postal_code, a.country, a.phone
    FROM addresses a
    WHERE a.org_id = p_org AND a.order_id = t.id AND a.kind = 'billing'
    ORDER BY a.created_at, a.id LIMIT 1) a) AS billing_address,
(SELECT row_to_json(a) FROM (
    SELECT a.id, a.kind, a.name, a.company, a.line1, a.line2, a.city, a.region, a.postal_code, a.country, a.phone
    FROM addresses a
    WHERE a.org_id = p_org AND a.order_id = t.id AND a.kind = 'shipping'
    ORDER BY a.created_at, a.id LIMIT 1) a) AS shipping_address,
coalesce(
    (SELECT json_agg(row_to_json(p)) FROM (
        SELECT p.id, p.state, p.amount::text, p.currency, p.processor, p.response_code,
               read_time(p.created_at) AS created_at
        FROM transactions p
        WHERE p.org_id = p_org AND p.order_id = t.id AND p.deleted_at IS NULL
          AND (p_client IS NULL OR p.client_id = p_client)
        ORDER BY p.created_at DESC, p.id DESC) p),
    '[]') AS transactions,
coalesce(
    (SELECT json_agg(row_to_json(n)) FROM (
        SELECT n.id, n.position, n.carrier, n.code, read_time(n.created_at) AS created_at
        FROM tracking_numbers n
        WHERE n.org_id = p_org AND n.order_id = t.id
        ORDER BY n.position, n.id) n),
    '[]') AS tracking_numbers
