/** Keys of what goes wrong before or beside the API: these never come from the database. */

/** What each means, and what the caller can do. */
export const CLIENT_ERRORS = {
  aborted: 'The caller gave the request up. Nothing is known about what the server did with it.',
  bad_response:
    'Something answered that is not the API, or it was cut off. Check the URL and what stands in between.',
  download_damaged:
    'What arrived is not what the API announced, also when asked for again. Start the download anew.',
  event_dropped:
    'An analytics event was not kept, or is refused for good. Correct the event; the others are not affected.',
  listener_failed: 'A listener of onStateChange threw. The session is not affected; correct the listener.',
  network_error: 'The server could not be reached. Check the URL and the network, then try again.',
  no_session: 'Nobody is signed in here. Call auth.signIn first.',
  second_factor_required:
    'No session yet: a code has to follow the password. auth.signInWithTotp takes it with the challenge of this error.',
  storage_failed: 'The storage adapter failed, so the session will not survive a restart. Check its cause.',
  timeout: 'The answer took too long. The server may still be at work; reading again tells.',
  verification_required:
    'No session yet: a mail decides. Open its link (auth.verifyEmail takes the token), then sign in.',
  unknown_error: 'The server refused without saying why. Its answer is in cause.',
} as const

/** A key that the SDK itself makes. */
export type ClientErrorKey = keyof typeof CLIENT_ERRORS
