'use strict';

// {"orders": [{"id", "customer", "date": "2026-01-31", "items": [{"sku", "quantity", "price"}]}]}
// Prices are in cents: sums of whole numbers stay exact.
module.exports = async function (input) {
  if (!Array.isArray(input?.orders)) {
    throw new TypeError('the input has no list "orders"');
  }
  const customers = new Map();
  const months = new Map();
  for (const order of input.orders) {
    const cents = order.items.reduce((sum, item) => sum + item.quantity * item.price, 0);
    add(customers, order.customer, cents);
    add(months, order.date.slice(0, 7), cents);
  }
  return {
    orders: input.orders.length,
    totalCents: [...customers.values()].reduce((sum, entry) => sum + entry.cents, 0),
    byCustomer: sorted(customers, (a, b) => b.cents - a.cents || a.name.localeCompare(b.name)),
    byMonth: sorted(months, (a, b) => a.name.localeCompare(b.name)),
  };
};

function add(totals, name, cents) {
  const entry = totals.get(name) ?? { name, orders: 0, cents: 0 };
  entry.orders += 1;
  entry.cents += cents;
  totals.set(name, entry);
}

function sorted(totals, order) {
  return [...totals.values()].sort(order);
}
