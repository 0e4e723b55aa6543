'use strict';

exports.total = ({ items } = {}) => {
  if (!Array.isArray(items)) {
    throw new TypeError('"items" is an array of {price, count}');
  }
  const sum = items.reduce((total, { price, count }) => total + price * count, 0);
  return { total: sum, currency: process.env.CURRENCY };
};
