// Words that one can search for on the dashboard.
import { Pill, PillsInput } from '@mantine/core'
import { useId, useState } from 'react'
import { errorFor } from './form_state'

interface Props {
  tags: string[]
  errors: Record<string, string>
  onChange: (tags: string[]) => void
  onBlur: () => void
}

export function TagsField({ tags, errors, onChange, onBlur }: Props) {
  const [text, setText] = useState('')
  const id = useId()
  const add = () => {
    const tag = text.trim()
    if (tag !== '') onChange([...tags, tag])
    setText('')
  }
  return (
    <PillsInput
      label="Tags"
      labelProps={{ htmlFor: id }}
      description="Optional words to find it by. Enter or a comma ends one."
      inputWrapperOrder={['label', 'input', 'error', 'description']}
      error={errorFor(errors, 'tags')}
    >
      <Pill.Group>
        {tags.map((tag, index) => (
          <Pill key={`${index} ${tag}`} withRemoveButton removeButtonProps={{ 'aria-label': `Remove tag ${tag}`, tabIndex: 0, 'aria-hidden': false }} onRemove={() => onChange(tags.filter((_, at) => at !== index))}>
            {tag}
          </Pill>
        ))}
        <PillsInput.Field
          id={id}
          value={text}
          aria-invalid={errorFor(errors, 'tags') !== undefined}
          onChange={({ currentTarget }) => setText(currentTarget.value)}
          onBlur={() => {
            add()
            onBlur()
          }}
          onKeyDown={(event) => {
            if (event.key === ',' || (event.key === 'Enter' && text.trim() !== '')) {
              event.preventDefault()
              add()
            } else if (event.key === 'Backspace' && text === '') onChange(tags.slice(0, -1))
          }}
        />
      </Pill.Group>
    </PillsInput>
  )
}
