// Requests as JSON lines in, one line of JSON out: how the peer answered each, and its decisions a second on those it answered.
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'

const require = createRequire(process.argv[2] + '/')
const { runSimulation } = require('@cloud-copilot/iam-simulate')
const requests = readFileSync(0, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line))

const named = (documents, prefix) => (documents ?? []).map((policy, index) => ({ name: `${prefix}${index}`, policy }))
const levels = (held) => (held ?? []).map((policies, index) => ({ orgIdentifier: `ou-${index}`, policies: named(policies, 'p') }))
const account = (arn) => (arn.split(':')[4] || '111111111111')

const simulations = requests.map((request) => ({
  identityPolicies: named(request.identityPolicies, 'identity'),
  permissionBoundaryPolicies: request.permissionsBoundaries ? named(request.permissionsBoundaries, 'boundary') : undefined,
  serviceControlPolicies: levels(request.serviceControlPolicies),
  resourceControlPolicies: levels(request.resourceControlPolicies),
  resourcePolicy: request.resourcePolicy,
  request: {
    action: request.action,
    principal: request.principal,
    resource: { resource: request.resource, accountId: request.resourceAccount ?? account(request.resource) },
    contextVariables: Object.fromEntries(
      Object.entries(request.context ?? {}).map(([key, value]) => [key, Array.isArray(value) ? value.map(String) : String(value)])
    )
  }
}))

const answers = {}
const good = []
for (let index = 0; index < simulations.length; index++) {
  try {
    const response = await runSimulation(simulations[index], {})
    if (response.resultType !== 'error') {
      answers[requests[index].id] = response.overallResult
      good.push(simulations[index])
    }
  } catch {
    // a request the peer cannot take is left out of both sides
  }
}
let best = 0
for (let round = 0; round < 5 && good.length; round++) {
  const begin = process.hrtime.bigint()
  for (const simulation of good) await runSimulation(simulation, {})
  best = Math.max(best, good.length / (Number(process.hrtime.bigint() - begin) / 1e9))
}
console.log(JSON.stringify({ rate: best, answers }))
