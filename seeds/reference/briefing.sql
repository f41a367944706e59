-- The topics that can be followed. Keywords count as whole words or phrases, in any case, so singular and plural
-- both stand here; a word that means two things in two languages stands nowhere.
insert into briefing.topics as t (slug, name, description, keywords)
values
  ('ai', 'Artificial intelligence', 'Learning machines: models, research, what they do to work and law.',
    array[
      'machine learning', 'deep learning', 'neural network', 'neural networks', 'language model',
      'language models', 'large language model', 'large language models', 'LLM', 'LLMs', 'chatbot',
      'chatbots', 'generative AI', 'AI', 'KI', 'künstliche Intelligenz', 'maschinelles Lernen',
      'Sprachmodell', 'Sprachmodelle', 'neuronale Netze'
    ]),
  ('books', 'Books', 'Novels, poems and those who write and print them.',
    array[
      'books', 'novel', 'novels', 'novelist', 'author', 'authors', 'poetry', 'poem', 'poems',
      'publisher', 'bookshop', 'library', 'libraries', 'literature', 'Buch', 'Bücher', 'Romane',
      'Autorin', 'Gedicht', 'Gedichte', 'Verlag', 'Buchhandlung', 'Bibliothek', 'Literatur'
    ]),
  ('business', 'Business', 'Companies, trade and those who run them.',
    array[
      'business', 'company', 'companies', 'startup', 'startups', 'merger', 'takeover', 'layoffs',
      'revenue', 'profit', 'supply chain', 'manufacturer', 'retailer', 'Wirtschaft', 'Unternehmen',
      'Firma', 'Firmen', 'Gründer', 'Übernahme', 'Umsatz', 'Gewinn', 'Lieferkette', 'Hersteller',
      'Handel'
    ]),
  ('cities', 'Cities', 'How people build, live and share streets.',
    array[
      'city', 'cities', 'urban', 'housing', 'architecture', 'architect', 'architects', 'mayor',
      'neighbourhood', 'neighborhood', 'rent', 'rents', 'Stadt', 'Städte', 'Stadtplanung',
      'Wohnungsbau', 'Wohnungen', 'Architektur', 'Miete', 'Mieten', 'Bürgermeister',
      'Bürgermeisterin', 'Stadtteil'
    ]),
  ('climate', 'Climate', 'The warming of the Earth, its causes, and what is done about it.',
    array[
      'climate', 'climate change', 'global warming', 'greenhouse gas', 'greenhouse gases',
      'carbon', 'CO2', 'emissions', 'sea level', 'glacier', 'glaciers', 'heatwave', 'drought',
      'flood', 'floods', 'Klima', 'Klimawandel', 'Klimaschutz', 'Erderwärmung', 'Treibhausgase',
      'Emissionen', 'Meeresspiegel', 'Gletscher', 'Hitzewelle', 'Dürre', 'Hochwasser'
    ]),
  ('culture', 'Culture', 'Stage, museum, exhibition and what people make of them.',
    array[
      'culture', 'museum', 'museums', 'gallery', 'exhibition', 'exhibitions', 'theatre', 'theater',
      'opera', 'ballet', 'painting', 'paintings', 'sculpture', 'artist', 'artists', 'heritage',
      'Kultur', 'Museen', 'Galerie', 'Ausstellung', 'Ausstellungen', 'Bühne', 'Oper', 'Gemälde',
      'Skulptur', 'Künstler', 'Künstlerin', 'Denkmal'
    ]),
  ('education', 'Education', 'Schools, universities and learning at any age.',
    array[
      'education', 'school', 'schools', 'teacher', 'teachers', 'pupil', 'pupils', 'student',
      'students', 'university', 'universities', 'curriculum', 'classroom', 'literacy', 'Bildung',
      'Schule', 'Schulen', 'Lehrer', 'Lehrerin', 'Lehrkräfte', 'Schüler', 'Studierende',
      'Universität', 'Hochschule', 'Unterricht'
    ]),
  ('energy', 'Energy', 'Where power comes from and how it gets to people.',
    array[
      'energy', 'electricity', 'power grid', 'power plant', 'solar', 'solar power', 'wind power',
      'wind farm', 'battery', 'batteries', 'hydrogen', 'nuclear', 'heat pump', 'heat pumps', 'oil',
      'natural gas', 'Energie', 'Strom', 'Stromnetz', 'Kraftwerk', 'Solarstrom', 'Windkraft',
      'Windpark', 'Batterie', 'Batterien', 'Wasserstoff', 'Atomkraft', 'Wärmepumpe', 'Wärmepumpen',
      'Erdöl', 'Erdgas'
    ]),
  ('film', 'Film and series', 'Cinema, series and the people in front of and behind the camera.',
    array[
      'film', 'films', 'movie', 'movies', 'cinema', 'box office', 'screenplay', 'actor', 'actress',
      'documentary', 'TV series', 'streaming series', 'Kino', 'Filme', 'Spielfilm', 'Regisseur',
      'Regisseurin', 'Drehbuch', 'Schauspieler', 'Schauspielerin', 'Dokumentarfilm',
      'Fernsehserie', 'film director'
    ]),
  ('food', 'Food', 'Cooking, eating, growing what we eat.',
    array[
      'food', 'recipe', 'recipes', 'cooking', 'restaurant', 'restaurants', 'baking', 'bread',
      'cheese', 'wine', 'coffee', 'harvest', 'Essen', 'Rezept', 'Rezepte', 'Kochen', 'Koch',
      'Köchin', 'Backen', 'Brot', 'Käse', 'Wein', 'Kaffee', 'Ernte', 'Gastronomie', 'chefs'
    ]),
  ('games', 'Games', 'Video games, board games and those who make them.',
    array[
      'video game', 'video games', 'gaming', 'gamer', 'gamers', 'esports', 'board game',
      'board games', 'game developer', 'Nintendo', 'PlayStation', 'Xbox', 'Videospiel',
      'Videospiele', 'Computerspiel', 'Computerspiele', 'Spielkonsole', 'Brettspiel',
      'Brettspiele', 'Spieleentwickler', 'game console', 'consoles'
    ]),
  ('health', 'Health', 'Medicine, care and staying well.',
    array[
      'health', 'medicine', 'hospital', 'hospitals', 'doctor', 'doctors', 'nurse', 'nurses',
      'patients', 'vaccine', 'vaccines', 'disease', 'diseases', 'cancer', 'virus', 'mental health',
      'therapy', 'clinical trial', 'Gesundheit', 'Medizin', 'Krankenhaus', 'Klinik', 'Ärztin',
      'Ärzte', 'Arzt', 'Pflege', 'Patienten', 'Impfung', 'Impfstoff', 'Krankheit', 'Krankheiten',
      'Krebs', 'Therapie', 'Psyche'
    ]),
  ('law', 'Law and justice', 'Courts, rights and what they decide.',
    array[
      'court', 'courts', 'judge', 'judges', 'lawsuit', 'lawsuits', 'verdict', 'ruling',
      'supreme court', 'prosecutor', 'legal', 'civil rights', 'human rights', 'copyright',
      'Gericht', 'Gerichte', 'Richter', 'Richterin', 'Klage', 'Urteil', 'Urteile',
      'Verfassungsgericht', 'Staatsanwaltschaft', 'Anwältin', 'Anwalt', 'Menschenrechte',
      'Urheberrecht'
    ]),
  ('markets', 'Markets and money', 'Banks, prices, taxes and the value of things.',
    array[
      'stock market', 'stocks', 'shares', 'bonds', 'inflation', 'interest rate', 'interest rates',
      'central bank', 'bank', 'banks', 'currency', 'investor', 'investors', 'tax', 'taxes',
      'budget', 'Börse', 'Aktie', 'Aktien', 'Anleihen', 'Zins', 'Zinsen', 'Leitzins',
      'Zentralbank', 'Banken', 'Währung', 'Anleger', 'Steuer', 'Steuern', 'Haushalt'
    ]),
  ('mobility', 'Mobility', 'Trains, bicycles, cars, ships and planes.',
    array[
      'trains', 'railway', 'rail', 'tram', 'bus', 'bicycle', 'bicycles', 'cycling', 'bike lane',
      'electric car', 'electric cars', 'car', 'cars', 'traffic', 'airline', 'airport', 'ferry',
      'Bahn', 'Zug', 'Züge', 'Straßenbahn', 'Fahrrad', 'Radweg', 'Elektroauto', 'Elektroautos',
      'Auto', 'Autos', 'Verkehr', 'Flughafen', 'Fähre'
    ]),
  ('music', 'Music', 'Bands, orchestras, records and concerts.',
    array[
      'music', 'song', 'songs', 'singer', 'album', 'albums', 'bands', 'concert', 'concerts',
      'orchestra', 'jazz', 'hip hop', 'composer', 'symphony', 'Musik', 'Lieder', 'Sängerin',
      'Sänger', 'Konzert', 'Konzerte', 'Orchester', 'Komponist', 'Komponistin', 'Sinfonie',
      'rock band'
    ]),
  ('nature', 'Nature', 'Animals, plants, oceans and forests.',
    array[
      'nature', 'wildlife', 'animal', 'animals', 'bird', 'birds', 'forest', 'forests', 'ocean',
      'oceans', 'river', 'rivers', 'species', 'biodiversity', 'insect', 'insects', 'whale',
      'whales', 'Natur', 'Tiere', 'Vogel', 'Vögel', 'Wald', 'Wälder', 'Meer', 'Meere', 'Fluss',
      'Flüsse', 'Arten', 'Artenvielfalt', 'Insekten', 'Wal', 'Wale'
    ]),
  ('politics', 'Politics', 'Governments, parliaments, parties and elections.',
    array[
      'politics', 'government', 'parliament', 'election', 'elections', 'vote', 'voters',
      'minister', 'president', 'senate', 'congress', 'coalition', 'referendum', 'Politik',
      'Regierung', 'Parlament', 'Bundestag', 'Wahl', 'Wahlen', 'Wähler', 'Ministerin', 'Präsident',
      'Präsidentin', 'Koalition', 'Volksentscheid', 'Kanzler', 'Kanzlerin', 'Partei', 'Parteien'
    ]),
  ('programming', 'Programming', 'Languages, tools and the craft of software.',
    array[
      'programming', 'programmer', 'programmers', 'software engineering', 'open source',
      'compiler', 'database', 'databases', 'Postgres', 'PostgreSQL', 'SQL', 'Linux', 'JavaScript',
      'TypeScript', 'Python', 'API', 'APIs', 'code review', 'GitHub', 'Programmierung',
      'Programmieren', 'Softwareentwicklung', 'Quelltext', 'Datenbank', 'Datenbanken',
      'Rust compiler'
    ]),
  ('science', 'Science', 'Research in every field, and how we know what we know.',
    array[
      'science', 'scientist', 'scientists', 'research', 'researcher', 'researchers', 'study finds',
      'physics', 'chemistry', 'biology', 'genetics', 'DNA', 'archaeology', 'fossil', 'fossils',
      'laboratory', 'quantum', 'Wissenschaft', 'Forscher', 'Forscherin', 'Forschende', 'Forschung',
      'Studie', 'Physik', 'Chemie', 'Biologie', 'Genetik', 'Archäologie', 'Fossil', 'Fossilien',
      'Quanten'
    ]),
  ('security', 'Security and privacy', 'Breaches, passwords, surveillance and how to stay safe.',
    array[
      'cybersecurity', 'security flaw', 'vulnerability', 'vulnerabilities', 'malware',
      'ransomware', 'phishing', 'data breach', 'hacker', 'hackers', 'encryption', 'password',
      'passwords', 'privacy', 'surveillance', 'Datenschutz', 'Sicherheitslücke',
      'Sicherheitslücken', 'Schadsoftware', 'Verschlüsselung', 'Passwort', 'Passwörter',
      'Überwachung', 'Datenleck'
    ]),
  ('space', 'Space', 'Rockets, planets, stars and what is between them.',
    array[
      'space', 'rocket', 'rockets', 'satellite', 'satellites', 'astronaut', 'astronauts', 'orbit',
      'telescope', 'moon', 'Mars', 'planet', 'planets', 'exoplanet', 'asteroid', 'comet', 'galaxy',
      'galaxies', 'black hole', 'NASA', 'ESA', 'Weltraum', 'Raumfahrt', 'Rakete', 'Raketen',
      'Satellit', 'Satelliten', 'Umlaufbahn', 'Teleskop', 'Mond', 'Planeten', 'Asteroid', 'Komet',
      'Galaxie', 'schwarzes Loch'
    ]),
  ('sports', 'Sports', 'Games that are played with the whole body.',
    array[
      'sport', 'football', 'soccer', 'tennis', 'basketball', 'cricket', 'rugby', 'athletics',
      'marathon', 'olympics', 'Olympic', 'world cup', 'league', 'championship', 'coach',
      'goalkeeper', 'Fußball', 'Handball', 'Leichtathletik', 'Bundesliga', 'Liga', 'Meisterschaft',
      'Weltmeisterschaft', 'Trainer', 'Trainerin', 'Torwart', 'Olympia'
    ]),
  ('technology', 'Technology', 'Chips, devices, networks and what they change.',
    array[
      'tech', 'chip', 'chips', 'semiconductor', 'semiconductors', 'smartphone', 'smartphones',
      'laptop', 'gadget', 'gadgets', 'robot', 'robots', 'internet', 'software', 'hardware', 'app',
      'apps', 'cloud computing', '5G', 'Technik', 'Technologie', 'Halbleiter', 'Handy', 'Roboter',
      'Netzausbau', 'Rechenzentrum', 'Digitalisierung'
    ]),
  ('travel', 'Travel', 'Places, journeys and how to make them.',
    array[
      'travel', 'tourism', 'tourist', 'tourists', 'hotel', 'hotels', 'holiday', 'holidays',
      'hiking', 'national park', 'itinerary', 'Reise', 'Reisen', 'Tourismus', 'Urlaub', 'Wandern',
      'Nationalpark', 'Sehenswürdigkeit', 'Ferien'
    ]),
  ('world', 'World affairs', 'Relations between countries, war and peace.',
    array[
      'diplomacy', 'foreign minister', 'foreign policy', 'united nations', 'NATO',
      'European Union', 'treaty', 'sanctions', 'ceasefire', 'peace talks', 'refugees', 'border',
      'ambassador', 'Außenpolitik', 'Außenministerin', 'Außenminister', 'Vereinte Nationen',
      'Europäische Union', 'EU', 'Vertrag', 'Sanktionen', 'Waffenruhe', 'Krieg', 'Frieden',
      'Geflüchtete', 'Grenze', 'warfare', 'civil war', 'invasion'
    ])
on conflict on constraint topics_pkey do update
  set name = excluded.name, description = excluded.description, keywords = excluded.keywords
  where (t.name, t.description, t.keywords) is distinct from (excluded.name, excluded.description, excluded.keywords);
