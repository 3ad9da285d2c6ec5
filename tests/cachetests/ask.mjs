// ask.mjs SUITE BASE: has the suite, a folder with the npm package
// http-cache-tests, ask the server at BASE, and prints what came of its tests:
// [{id, group, kind, name, passed, why}]. Not those that are only for browsers,
// nor its group of questions about Surrogate-Control.
import { createRequire } from 'node:module'

const [suite, base] = process.argv.slice(2)
const { runTests, getResults } = await import(`${suite}/client/runner.mjs`)
const groups = (await import(`${suite}/tests/index.mjs`)).default
const fetch = createRequire(`${suite}/`)('node-fetch')

await runTests(groups, fetch, false, base)
const results = getResults()
const told = groups.flatMap(group => group.tests
  .filter(test => test.id in results)
  .map(test => ({
    id: test.id,
    group: group.id,
    kind: test.kind || 'required',
    name: test.name,
    passed: results[test.id] === true,
    why: results[test.id] === true ? '' : results[test.id][1]
  })))
// Some servers keep our connections open.
process.stdout.write(JSON.stringify(told), () => process.exit())
