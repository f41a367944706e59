/** Rows of one person in every table that an erasure empties: from nothing but the catalog and the tests' word list. */
import type pg from 'pg'
import { FACTORIES } from '../test/rules/matrix/factories.ts'

