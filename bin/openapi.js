// Writes docs/openapi.json from the built routes. Not shipped.
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { buildApp } from '../dist/src/http/app.js'
import { documentText } from '../dist/src/http/routes/document.js'

// Building the routes needs only their schemas; their dependencies are used only by calls.
const app = await buildApp({ maxVerifies: 1 })
writeFileSync(fileURLToPath(new URL('../docs/openapi.json', import.meta.url)), documentText(app))
await app.close()
