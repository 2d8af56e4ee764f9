/** Change this and the version in package.json, and you have the next release. */
export const headline = 'Notes, as they are kept'
