-- As many accounts as asked for (seeds.perf_count), in zones around the world. Nobody can sign in with them.
insert into core.users (email, display_name, timezone)
select
  format('perf-%s@perf.example.com', n),
  format('Perf %s', n),
  (array[
    'Europe/Berlin', 'America/New_York', 'Asia/Tokyo', 'UTC', 'America/Los_Angeles', 'Asia/Kolkata',
    'Australia/Lord_Howe', 'America/Sao_Paulo'
  ])[1 + n % 8]
from generate_series(1, current_setting('seeds.perf_count')::integer) as n
on conflict on constraint users_email_key_key do nothing;
