// Instead of a form: it is being loaded, or there is none.
import { Button, Loader } from '@mantine/core'
import { navigate } from '../routing/router'
import css from './form.module.css'

export function Missing({ phase, kindName }: { phase: 'loading' | 'missing' | 'failed'; kindName: string }) {
  if (phase === 'loading')
    return (
      <div className={css.waiting} role="status">
        <Loader size="sm" />
        <span className="visually-hidden">Loading</span>
      </div>
    )
  return (
    <div className={css.waiting}>
      <h1>{phase === 'missing' ? `This ${kindName} does not exist` : `This ${kindName} cannot be shown`}</h1>
      <p>{phase === 'missing' ? 'It may have been deleted.' : 'The service did not answer. It is tried again when the connection is back.'}</p>
      <Button variant="default" onClick={() => navigate({ page: 'config', kind: null, id: null })}>
        Back to the list
      </Button>
    </div>
  )
}
