import { encodeObject, decodeObject } from '/work/main/src/mirror/codec.js'
import { decompress } from '@mongodb-js/zstd'
import { chainOf, DOMAIN } from '/work/main/test/support/chain-builder.js'
import { it } from 'vitest'
it('x', async () => {
  const rows = chainOf(20000)
  for (let k=0;k<3;k++){
  let t=performance.now()
  const objs: Uint8Array[]=[]
  for (const r of rows) objs.push(await encodeObject(r))
  console.log('encode serial µs', (performance.now()-t)/20, objs[0]?.length)
  t=performance.now()
  for (let i=0;i<rows.length;i+=64) await Promise.all(rows.slice(i,i+64).map(encodeObject))
  console.log('encode conc64 µs', (performance.now()-t)/20)
  t=performance.now()
  for (let i=0;i<objs.length;i+=64) await Promise.all(objs.slice(i,i+64).map(o=>decompress(o as Buffer)))
  console.log('bare decompress conc64 µs', (performance.now()-t)/20)
  t=performance.now()
  for (let i=0;i<objs.length;i+=64) await Promise.all(objs.slice(i,i+64).map((o,j)=>decodeObject(o,{domainId:DOMAIN,seq:i+j+1})))
  console.log('decode conc64 µs', (performance.now()-t)/20)
  t=performance.now()
  for (let i=0;i<objs.length;i++) { const r=await decodeObject(objs[i]!,{domainId:DOMAIN,seq:i+1}); if(r.kind!=='entry') throw new Error(JSON.stringify(r)) }
  console.log('decode serial µs', (performance.now()-t)/20)
  }
}, 100000)
