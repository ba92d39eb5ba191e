// What became of a receipt, as the service says it beside the stub: replaced, cancelled, partly erased.
// A state of its own: it changes no verdict, and nobody signed it.

import { GROUPS, RECEIPT_NUMBER } from "./claims.js";

const CODE = /^[a-z_]{1,40}$/;

/** Read the state out of a stub's answer; what is not in its form is left out. */
export function successionOf(answer) {
  const matches = (pattern, value) => (typeof value === "string" && pattern.test(value) ? value : undefined);
  const erased = Array.isArray(answer.erased) ? answer.erased.filter((group) => GROUPS.includes(group)) : [];
  return {
    newer: matches(RECEIPT_NUMBER, answer.replaced_by),
    cancelled: answer.cancelled === true,
    reason: matches(CODE, answer.reason),
    erased: erased.filter((group) => group !== "person"),
  };
}

/** The texts to show: `[title, text]` each, the weightiest first; none for a receipt that stands whole. */
export function successionTexts({ cancelled, reason, erased }, words) {
  const said = [];
  if (cancelled || reason !== undefined) {
    const key = cancelled ? "page.succession_cancelled" : "page.succession_replaced";
    said.push([words.say(key), words.say(`${key}_how`, { reason: words.correction(reason ?? "") })]);
  }
  if (erased.length > 0) {
    const groups = erased.map((group) => words.say(`group.${group}`)).join(words.say("word.list"));
    const how = words.say("page.succession_erased_how");
    said.push([words.say("page.succession_erased"), `${groups}. ${how}`]);
  }
  return said;
}
