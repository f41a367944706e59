/** npm run mail:list [-- <n>]: the mails that were kept as files, newest first, or one of them in full. */
import { program } from 'commander'
import { z } from 'zod'
import { runCommand } from '../../stack/terminal/run-command.ts'
import { renderTable } from '../../stack/terminal/table.ts'
import { mailFolder } from '../mails/file-delivery.ts'
import { listKeptMails, readKeptMail } from '../mails/kept-mails.ts'

program
  .name('mail:list')
  .argument('[number]', 'which mail to print')
  .action((number: unknown) => {
    runCommand(async (settings) => {
      const wanted = z.coerce.number().int().min(1).optional().catch(Number.NaN).parse(number)
      const folder = mailFolder(settings.dataDir)
      const names = await listKeptMails(folder)
      if (wanted !== undefined) {
        const name = names[wanted - 1]
        if (!name) {
          console.error(`There is no mail ${String(number)}; ${folder} holds ${names.length}.`)
          return 1
        }
        const { to, subject, text } = await readKeptMail(folder, name)
        console.log(`To: ${to}\nSubject: ${subject}\n\n${text}`)
        return 0
      }
      if (names.length === 0) {
        console.log(`No mails in ${folder}. With HOWDAH_SMTP_URL they go to the mail server instead.`)
        return 0
      }
      const mails = await Promise.all(names.slice(0, 50).map((name) => readKeptMail(folder, name)))
      const rows = mails.map(({ date, to, subject }, at) => [String(at + 1), date, to, subject])
      console.log(renderTable(['', 'sent', 'to', 'subject'], rows))
      return 0
    })
  })
  .parse()
