/** What Prometheus reads: the text by its own rules, and a real Prometheus that scrapes, evaluates our rules and fires. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type TestApi, testApi } from '../../../setup/api.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { prometheusBinary, promtoolCheck, startPrometheus } from '../../../setup/prometheus.ts'

let db: TestDatabase
let api: TestApi
let token: string
const [prometheus, promtool] = [prometheusBinary('prometheus'), prometheusBinary('promtool')]
if (!prometheus || !promtool) console.log('prometheus: none on this machine; only the text is looked at')

beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
  const { rows } = await db.owner.query(`select ops.create_scrape_token('test') as token`)
  token = rows[0].token
  await db.owner.query(`
    create table ops.gauge (labels jsonb, value numeric);
    create function ops.measure_gauge() returns table (metric text, labels jsonb, value numeric) language sql
      as $$ select 'gauge_milliseconds', g.labels, g.value from ops.gauge as g $$;
    select ops.declare_metric('gauge_milliseconds', 'product', 'milliseconds', 'ops.measure_gauge()', E'A gauge\\nwith a \\\\ in it.', 1500);
    create function ops.measure_broken() returns table (metric text, labels jsonb, value numeric) language sql
      as $$ select 'broken', '{}'::jsonb, 1 / 0::numeric $$;
    select ops.declare_metric('broken', 'product', 'count', 'ops.measure_broken()', 'Divides by zero.', 1)`)
})
afterAll(() => db.drop())

const scrape = async (headers: Record<string, string> = {}) =>
  api.request('GET', '/rpc/metrics', { token, headers })

describe('the text', () => {
  it('is lines of HELP, TYPE and samples, each family once and together', async () => {
    const { body } = await scrape()
    const families: string[] = []
    let family = ''
    for (const line of body.trimEnd().split('\n')) {
      const help = /^# HELP (howdah_[a-z0-9_]+) \S.*$/.exec(line)
      if (help) {
        family = help[1] ?? ''
        families.push(family)
      } else if (line.startsWith('#')) expect(line).toMatch(new RegExp(`^# TYPE ${family} (gauge|counter)$`))
      else
        expect(line).toMatch(
          new RegExp(`^${family}(\\{([a-z_]+="([^"\\\\]|\\\\.)*",?)+\\})? -?[0-9.]+(e[+-]?[0-9]+)?$`),
        )
    }
    expect(families.length).toBeGreaterThan(25)
    expect(new Set(families).size).toBe(families.length)
    expect(families.filter((name) => /_(milliseconds|days|count)$/.test(name))).toEqual([])
    // A counter, and only a counter, is called _total.
    for (const [, name, type] of body.matchAll(/^# TYPE (\S+) (\S+)$/gm))
      expect([name, type === 'counter']).toEqual([name, name.endsWith('_total')])
  })

  it('escapes labels and help, converts to base units, and says what it does not know', async () => {
    await db.owner.query(`insert into ops.gauge values ($1, 1234)`, [
      JSON.stringify({ 'odd-name': 'a "quoted" \\ and\nbroken' }),
    ])
    const { body } = await scrape()
    expect(body).toContain('# HELP howdah_gauge_seconds A gauge\\nwith a \\\\ in it. Here in seconds.\n')
    expect(body).toContain('howdah_gauge_seconds{odd_name="a \\"quoted\\" \\\\ and\\nbroken"} 1.234\n')
    expect(body).toContain('howdah_metric_unknown{code="22012",metric="broken"} 1\n')
    expect(body).not.toMatch(/^howdah_broken/m)
    await db.owner.query('delete from ops.gauge')
  })

  it('is told as what it is, whatever is asked for', async () => {
    for (const accept of [
      'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
      'text/plain',
      '*/*',
      'application/json',
    ]) {
      const { status, headers } = await scrape({ accept })
      expect([status, headers.get('content-type')]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8'])
    }
  })

  it('is cheap', async () => {
    const times: number[] = []
    for (let n = 0; n < 30; n++) {
      const { body } = await scrape()
      times.push(Number(/^howdah_scrape_seconds (\S+)$/m.exec(body)?.[1]) * 1000)
    }
    times.sort((a, b) => a - b)
    console.log(
      `scrape: measured in ${times[15]?.toFixed(1)} ms (median), ${times[29]?.toFixed(1)} ms (slowest of 30)`,
    )
    expect(times[15]).toBeLessThan(100)
  })
})

describe.runIf(prometheus && promtool)('a real Prometheus', () => {
  it('finds our configuration and rules right', async () => {
    expect(await promtoolCheck(promtool ?? '', 'config')).toMatch(/SUCCESS/)
    expect(await promtoolCheck(promtool ?? '', 'rules')).toMatch(/SUCCESS: \d+ rules found/)
  })

  it('scrapes us, types and all, and has a rule turn true where the database has an alert', async () => {
    await using server = await startPrometheus(prometheus ?? '', token, new URL(api.url).host)
    await expect
      .poll(() => server.query('up{job="howdah"}'), { timeout: 15_000 })
      .toMatchObject([{ value: 1 }])
    const [ratio] = await server.query('howdah_connections_used_ratio')
    expect(ratio?.value).toBeGreaterThan(0)
    expect(await server.get('/api/v1/metadata?metric=howdah_transactions_total')).toMatchObject({
      data: { howdah_transactions_total: [{ type: 'counter' }] },
    })
    await db.owner.query(`select ops.record_disk_usage('worker', 100, 5)`)
    await expect
      .poll(() => server.query('ALERTS{alertname="HowdahDiskUsedRatioCritical"}'), { timeout: 15_000 })
      .toMatchObject([{ metric: { place: 'worker', severity: 'critical' } }])
    const { rows } = await db.as('howdah_worker').query(`select metric, severity from ops.evaluate_alerts()`)
    expect(rows).toContainEqual({ metric: 'disk_used_ratio', severity: 'critical' })
    await expect
      .poll(() => server.query('howdah_alerts{severity="critical"}'), { timeout: 15_000 })
      .toMatchObject([{ value: rows.filter(({ severity }) => severity === 'critical').length }])
    // A token that was revoked is a target that is down.
    await db.owner.query(`select ops.revoke_scrape_token('test')`)
    await expect
      .poll(() => server.query('up{job="howdah"}'), { timeout: 15_000 })
      .toMatchObject([{ value: 0 }])
  }, 60_000)
})
