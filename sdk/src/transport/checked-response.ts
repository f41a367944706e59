/** Tells an answer of the API from what a proxy, a captive portal or a broken connection sends. */
import { errorBody } from '../errors/to-api-error.ts'
import { failureResponse } from './failure-response.ts'

/** How much of a strange body is worth showing. */
const EXCERPT_LENGTH = 200

/** The response with its body read, or a `bad_response` when the API cannot have sent it. */
export function checkedResponse(response: Response, body: string, init: RequestInit): Response {
  const problem = problemWith(response, body, init)
  if (problem) {
    const excerpt = body.length > EXCERPT_LENGTH ? `${body.slice(0, EXCERPT_LENGTH)}…` : body
    return failureResponse({
      key: 'bad_response',
      status: response.status,
      detail: `${problem}${excerpt === '' ? '' : ` It begins: ${excerpt}`}`,
    })
  }
  return copied(response, body)
}

/** The response with a body that has been read. */
export function copied({ status, statusText, headers }: Response, body: string | ArrayBuffer): Response {
  const isBodyless = status === 204 || status === 205 || status === 304
  return new Response(isBodyless ? null : body, { status, statusText, headers })
}

function problemWith(response: Response, body: string, init: RequestInit): string | undefined {
  const { status } = response
  const isHead = init.method === 'HEAD'
  if (status < 200 || (status >= 300 && status < 400)) return `The status is ${status}.`
  if (status >= 400) {
    // An answer to HEAD has no body to say why.
    if (isHead) return undefined
    return errorBody.safeParse(parse(body)).success ? undefined : 'The refusal is not one of the API.'
  }
  if (body === '') {
    // Only these answer with nothing on purpose: no content, created, and HEAD.
    return isHead || status === 204 || status === 201 ? undefined : 'The answer is empty.'
  }
  return wantsJson(init) && parse(body) === undefined ? 'The answer is not JSON.' : undefined
}

function wantsJson(init: RequestInit): boolean {
  const accept = new Headers(init.headers).get('accept') ?? '*/*'
  return accept.includes('json') || accept.includes('*/*')
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}
