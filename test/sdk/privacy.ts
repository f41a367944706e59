/** Example calls of what people may ask about their data, in an order in which they work. */
export const PRIVACY_CALLS = {
  give_consent: { purpose: 'analytics', version: 1 },
  withdraw_consent: { purpose: 'product_news' },
  request_correction: { correction: 'I was born in 1815.' },
  request_restriction: { reason: null },
  withdraw_restriction: {},
}
