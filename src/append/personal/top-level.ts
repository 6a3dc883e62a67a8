/** Top-level domains of three and more letters that mail uses, and names of private networks. Those of two letters are countries. */
const LONG: ReadonlySet<string> = new Set(
  (
    'com org net edu gov mil int arpa info biz name pro coop aero museum jobs mobi travel tel post cat asia xxx ' +
    'app art bank bar blog business cafe care cash center church city clinic cloud club co community company consulting ' +
    'design dev digital direct earth education email energy engineering events expert family finance fitness foundation fun ' +
    'global group guru health help host hotel house institute international law legal life live lol ltd market media money ' +
    'network news ngo one ong online page partners photo photography plus press productions properties pub restaurant rocks ' +
    'school services shop site social software solutions space store studio support systems team tech technology today tools ' +
    'training university vip website wiki work world xyz zone amsterdam bayern berlin brussels cologne hamburg istanbul koeln ' +
    'london madrid melbourne miami moscow nyc paris quebec rio ruhr saarland scot swiss sydney tirol tokyo wien zuerich ' +
    'example test invalid localhost local internal intranet corp lan home private'
  ).split(' '),
)

const REGIONS = new Intl.DisplayNames('en', { type: 'region', fallback: 'none' })

/** Returns whether the last label of a domain, in ASCII and lower case, can end one. A suffix of a file such as `txt` cannot. */
export function isTopLevel(label: string): boolean {
  if (/^[a-z]{2}$/.test(label)) return REGIONS.of(label.toUpperCase()) !== undefined
  return LONG.has(label) || label.startsWith('xn--')
}
