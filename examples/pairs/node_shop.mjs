// A miniature shop: node node_shop.mjs PORT. Orders are lines of the file that SHOP_DATA names.
import { createServer } from "node:http";
import { appendFileSync, readFileSync, statSync } from "node:fs";
import { randomUUID } from "node:crypto";

const file = process.env.SHOP_DATA ?? "orders.jsonl";
const items = Array.from({ length: 12 }, (_, n) => ({
  id: n + 1,
  name: `Item ${n + 1}`,
  price_cents: 250 + 35 * n,
  tags: ["shop", n % 2 ? "odd" : "even"],
  listed_at: `2025-03-${String(n + 1).padStart(2, "0")}T09:00:00Z`,
}));

let known = { size: -1, orders: [] };

function orders() {
  let size = 0;
  try {
    size = statSync(file).size;
  } catch {
    return [];
  }
  if (size !== known.size) {
    const lines = readFileSync(file, "utf8").split("\n").filter(Boolean);
    known = { size, orders: lines.map((line) => JSON.parse(line)) };
  }
  return known.orders;
}

function send(response, status, body) {
  const text = JSON.stringify(body);
  response.writeHead(status, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(text) });
  response.end(text);
}

const now = () => new Date().toISOString().replace(/\.\d+Z$/, "Z");
const page = (list) => ({ items: list, count: list.length, request_id: randomUUID(), served_at: now() });

async function bodyOf(request) {
  let text = "";
  for await (const piece of request) text += piece;
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

async function answer(request, response) {
  const path = new URL(request.url, "http://shop").pathname;
  if (path === "/health") return send(response, 200, { status: "ok" });
  if (path === "/items" && request.method === "GET") return send(response, 200, page(items));
  if (path === "/orders" && request.method === "GET") return send(response, 200, page(orders().slice(0, 5)));
  if (path === "/orders" && request.method === "POST") {
    const { item, quantity } = await bodyOf(request);
    const found = items.find((each) => each.id === item);
    if (!found || !Number.isInteger(quantity) || quantity < 1) return send(response, 422, { error: "no such item" });
    const order = { id: randomUUID(), item, quantity, total_cents: found.price_cents * quantity, created_at: now() };
    appendFileSync(file, JSON.stringify(order) + "\n");
    return send(response, 201, order);
  }
  const [, kind, id] = path.match(/^\/(items|orders)\/([^/]+)$/) ?? [];
  const list = kind === "items" ? items : kind === "orders" ? orders() : [];
  const found = list.find((each) => String(each.id) === id);
  return found ? send(response, 200, found) : send(response, 404, { error: "not found" });
}

createServer((request, response) => {
  answer(request, response).catch(() => send(response, 500, { error: "broken" }));
}).listen(Number(process.argv[2] ?? 5001), "127.0.0.1");
