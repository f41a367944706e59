-- Removes the demo feeds and the sources of seeds/perf; their items go with them. Accounts: core.sql.
delete from briefing.content_sources as s
where (s.kind = 'file' and s.url in (
    'file:beaker-lane.rdf', 'file:copper-relay.xml', 'file:isobar-letter.atom', 'file:laternenblatt.xml',
    'file:ledger-lantern.xml', 'file:morning-pulse.xml', 'file:perigee-notes.atom', 'file:tensor-kettle.json',
    'file:touchline-sparrow.xml', 'file:velvet-foyer.xml'
  ))
  or s.canonical_url like 'https://perf.example/source-%';
