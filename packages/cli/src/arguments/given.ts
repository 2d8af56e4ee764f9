type Given<Values> = { [Name in keyof Values]?: Exclude<Values[Name], undefined> }

/** What was given of these options: an absent one is absent in what is sent, too. */
export function given<Values extends object>(values: Values): Given<Values> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Given<Values>
}
