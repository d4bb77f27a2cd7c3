import { type KeyboardEvent, type Ref, useImperativeHandle, useLayoutEffect, useRef } from 'react';
import styles from './TextBox.module.css';

const GROWS_BY_ITSELF = CSS.supports('field-sizing', 'content');

export interface TextBoxHandle {
  focus(): void;
}

interface TextBoxProps {
  label: string;
  value: string;
  describedBy?: string | undefined;
  onChange(value: string): void;
  /** Enter alone. */
  onEnter(): void;
  onKeyDown?: (event: KeyboardEvent<HTMLTextAreaElement>) => void;
  ref?: Ref<TextBoxHandle>;
}

/** A text area that grows with its text; Enter submits, Shift Enter breaks the line. */
export function TextBox({ ref, ...props }: TextBoxProps) {
  const area = useRef<HTMLTextAreaElement>(null);

  useImperativeHandle(
    ref,
    () => ({
      focus: () => {
        const { current } = area;
        current?.focus();
        current?.setSelectionRange(current.value.length, current.value.length);
      },
    }),
    [],
  );

  // biome-ignore lint/correctness/useExhaustiveDependencies: the text gives the height.
  useLayoutEffect(() => {
    if (!area.current || GROWS_BY_ITSELF) return;
    area.current.style.height = 'auto';
    area.current.style.height = `${area.current.scrollHeight}px`;
  }, [props.value]);

  return (
    <textarea
      ref={area}
      className={styles.area}
      rows={1}
      aria-label={props.label}
      aria-describedby={props.describedBy}
      placeholder={props.label}
      value={props.value}
      enterKeyHint="send"
      onChange={(event) => props.onChange(event.target.value)}
      onKeyDown={(event) => {
        props.onKeyDown?.(event);
        if (event.defaultPrevented || event.nativeEvent.isComposing) return;
        if (event.key === 'Enter' && !event.shiftKey && !event.altKey) {
          event.preventDefault();
          props.onEnter();
        }
      }}
    />
  );
}
