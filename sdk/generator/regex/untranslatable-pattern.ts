/** Says why a pattern has no equal in JavaScript. Thrown and caught inside this folder only. */
export class UntranslatablePattern extends Error {}
