// Words that one can search for on the dashboard.
import { TagsInput } from '@mantine/core'
import { errorFor } from './form_state'

interface Props {
  tags: string[]
  errors: Record<string, string>
  onChange: (tags: string[]) => void
  onBlur: () => void
}

export function TagsField({ tags, errors, onChange, onBlur }: Props) {
  return (
    <TagsInput
      label="Tags"
      description="Optional words to find it by. Enter or a comma ends one."
      inputWrapperOrder={['label', 'input', 'error', 'description']}
      error={errorFor(errors, 'tags')}
      splitChars={[',']}
      acceptValueOnBlur
      value={tags}
      onChange={onChange}
      onBlur={onBlur}
    />
  )
}
