-- An order with every column that RPS had, in the legacy service's shape.
CREATE FUNCTION legacy_rps.read_order(p_org uuid, p_client uuid, p_id uuid)
RETURNS bytea LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $function$
DECLARE
    answer bytea;
BEGIN
    PERFORM set_config('caravan.org', p_org::text, true);
    SELECT convert_to(row_to_json(x)::text, 'UTF8') INTO answer FROM (
        SELECT
            (SELECT row_to_json(o) FROM (SELECT
                t.id, t.org_id, t.client_id, t.customer_id,
                b.id AS billing_address_id, s.id AS shipping_address_id,
                t.number AS order_number, r.token, t.currency, r.locale_type, coalesce(r.state, t.state) AS state,
                r.type, t.email, t.discount_code, r.descriptor, r.site_theme, r.purchase_type, r.display_type,
                r.shipment_type, r.redemption_code, r.risk_source, r.fulfillment_state,
                r.external_fulfillment_id, r.external_order_number, r.subscription_id, r.payment_page_id,
                coalesce(r.conversion_tracking_id, r.conversion_tracking) AS conversion_tracking_id,
                coalesce(r.affiliate_tour_id, r.affiliate_tour) AS affiliate_tour_id,
                legacy_rps.number(t.subtotal_amount) AS amount,
                legacy_rps.number(r.base_amount) AS base_amount,
                legacy_rps.number(t.tax_amount) AS tax_amount,
                legacy_rps.number(t.shipping_amount) AS shipping_amount,
                legacy_rps.number(t.discount_amount) AS discount_amount,
                legacy_rps.number(t.total_amount) AS total_amount,
                legacy_rps.number(t.refunded_amount) AS refund_amount,
                legacy_rps.number(r.refund_request) AS refund_request,
                legacy_rps.number(r.tax_refund_amount) AS tax_refund_amount,
                legacy_rps.number(r.shipping_refund) AS shipping_refund,
                legacy_rps.number(r.affiliate_payout) AS affiliate_payout,
                legacy_rps.number(r.quantity) AS quantity,
                legacy_rps.number(r.quantity_refunded) AS quantity_refunded,
                legacy_rps.number(r.weight) AS weight,
                legacy_rps.number(r.risk_score) AS risk_score,
                r.shipped, r.returned, r.sales_check, r.charged_back, r.redeemed, r.shipping_refund_request,
                r.representment, r.split_count, r.shipping_priority, r.installment_payments, r.timeout_seconds,
                r.can_ship_partial, r.email_sent, r.tracking_email_sent, r.is_continuity,
                legacy_rps.time(t.created_at) AS created_at,
                legacy_rps.time(r.modified_at) AS modified_at,
                legacy_rps.time(r.transaction_date) AS transaction_date,
                legacy_rps.time(r.fulfillment_date) AS fulfillment_date,
                legacy_rps.time(r.transit_date) AS transit_date,
                legacy_rps.time(r.delivery_date) AS delivery_date,
                legacy_rps.time(r.rma_date) AS rma_date,
                legacy_rps.time(r.blacklist_date) AS blacklist_date,
                legacy_rps.time(r.last_refund_date) AS last_refund_date,
                legacy_rps.time(r.redemption_date) AS redemption_date,
                legacy_rps.time(r.email_sent_date) AS email_sent_date,
                legacy_rps.time(r.tracking_email_sent_date) AS tracking_email_sent_date,
                legacy_rps.time(t.deleted_at) AS deleted_at,
                r.geo, r.source, r.origin, r.promotions, coalesce(r.extra, t.extra) AS extra) o) AS "order",
            coalesce((SELECT json_agg(row_to_json(i)) FROM (
                SELECT i.id, i.org_id, i.order_id, i.product_id, i.name, i.description, i.sku,
                    legacy_rps.number(i.quantity) AS qty_ordered,
                    legacy_rps.number(i.quantity_refunded) AS qty_refunded,
                    legacy_rps.number(i.quantity_pending_refund) AS qty_pending_refund,
                    legacy_rps.number(i.amount) AS amount,
                    legacy_rps.number(i.refunded_amount) AS refund_amount,
                    legacy_rps.number(i.weight) AS weight,
                    legacy_rps.number(i.unit_price) AS price,
                    ri.warehouse_id, ri.do_not_ship, coalesce(ri.meta, i.extra) AS meta,
                    legacy_rps.time(i.created_at) AS created_at, NULL AS deleted_at
                FROM order_items i LEFT JOIN legacy_rps.order_items ri ON ri.org_id = i.org_id AND ri.id = i.id
                WHERE i.org_id = p_org AND i.order_id = t.id
                ORDER BY i.created_at, i.position, i.id) i), '[]') AS items,
            coalesce((SELECT json_agg(row_to_json(p)) FROM (
                SELECT p.id, p.org_id, p.order_id, coalesce(rp.state, p.state) AS state,
                    legacy_rps.number(p.amount) AS amount, p.currency, p.processor, p.response_code, p.details,
                    legacy_rps.time(p.created_at) AS created_at, NULL AS deleted_at
                FROM transactions p LEFT JOIN legacy_rps.transactions rp ON rp.org_id = p.org_id AND rp.id = p.id
                WHERE p.org_id = p_org AND p.order_id = t.id AND p.deleted_at IS NULL
                  AND (p_client IS NULL OR p.client_id = p_client)
                ORDER BY p.created_at DESC, p.id DESC) p), '[]') AS transactions,
            coalesce((SELECT json_agg(row_to_json(n)) FROM (
                SELECT n.id, n.org_id, n.order_id, n.carrier AS kind, n.code,
                    legacy_rps.time(n.created_at) AS created_at, NULL AS deleted_at
                FROM tracking_numbers n
                WHERE n.org_id = p_org AND n.order_id = t.id
                ORDER BY n.created_at, n.position, n.id) n), '[]') AS tracking,
            b.body AS "billingAddress",
            s.body AS "shippingAddress",
            (SELECT row_to_json(c) FROM (
                SELECT c.id, c.first_name, c.last_name, c.email, legacy_rps.time(c.created_at) AS created_at
                FROM customers c
                WHERE c.org_id = p_org AND c.id = t.customer_id AND c.deleted_at IS NULL
                  AND (p_client IS NULL OR c.client_id = p_client)) c) AS customer
        FROM orders t
        LEFT JOIN legacy_rps.orders r ON r.org_id = t.org_id AND r.id = t.id
        LEFT JOIN LATERAL (@address@ AND a.kind = 'billing' ORDER BY a.created_at, a.id LIMIT 1) b ON true
        LEFT JOIN LATERAL (@address@ AND a.kind = 'shipping' ORDER BY a.created_at, a.id LIMIT 1) s ON true
        WHERE t.org_id = p_org AND t.id = p_id AND t.deleted_at IS NULL
          AND (p_client IS NULL OR t.client_id = p_client)) x;
    RETURN answer;
END
$function$;
