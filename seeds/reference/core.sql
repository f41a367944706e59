-- Plans to begin with. What an operator has changed since stays; no price of a provider is known until one is entered
-- in core.plan_prices.
insert into core.plans as p (
  key, name, description, audience, limits, features, trial_days, price_cents, is_public, position
)
values
  ('free', 'Free', 'For trying things out.', 'user', '{}', '{}', 0, 0, true, 1),
  ('pro', 'Pro', 'For people who are here every day.', 'user', '{}', '{"priority_support": true}', 14, 900, true, 2),
  ('starter', 'Starter', 'For a handful of people.', 'organization',
    '{"members": 5, "pending_invitations": 5, "teams": 2, "workspaces": 2}', '{}', 0, 0, true, 1),
  ('team', 'Team', 'For a company that grows.', 'organization',
    '{"members": 50, "pending_invitations": 50, "teams": 20, "workspaces": 20}', '{}', 30, 4900, true, 2),
  ('business', 'Business', 'For a company that has grown.', 'organization',
    '{"members": null, "pending_invitations": 500, "teams": null, "workspaces": null}', '{"priority_support": true}',
    30, 19900, true, 3)
on conflict on constraint plans_pkey do nothing;
