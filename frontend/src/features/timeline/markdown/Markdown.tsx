/**
 * Message text: CommonMark's everyday part, from the tokens of `marked` straight
 * to elements. Raw HTML stays the text that it is, links open only what a
 * browser may open, and images are links.
 */
import { lexer, type Token, type Tokens } from 'marked';
import { Fragment, memo, type ReactNode, useMemo } from 'react';
import { Code, CodeBlock } from './Code.tsx';
import { safeHref } from './href.ts';
import styles from './Markdown.module.css';

export const Markdown = memo(function Markdown({ source }: { source: string }) {
  const tokens = useMemo(() => parse(source), [source]);
  return <div className={styles.markdown}>{renderAll(tokens)}</div>;
});

function parse(source: string): Token[] {
  try {
    return lexer(source, { gfm: true, breaks: true });
  } catch {
    return [{ type: 'text', raw: source, text: source } as Tokens.Text];
  }
}

function renderAll(tokens: readonly Token[] | undefined): ReactNode {
  // biome-ignore lint/suspicious/noArrayIndexKey: tokens have no other identity.
  return tokens?.map((token, index) => <Fragment key={index}>{render(token)}</Fragment>);
}

function render(token: Token): ReactNode {
  switch (token.type) {
    case 'space':
    case 'def':
      return null;
    case 'paragraph':
      return <p>{renderAll(token.tokens)}</p>;
    case 'heading':
      return (
        <p>
          <strong>{renderAll(token.tokens)}</strong>
        </p>
      );
    case 'blockquote':
      return <blockquote>{renderAll(token.tokens)}</blockquote>;
    case 'code':
      return <CodeBlock text={token.text} language={token.lang ?? ''} />;
    case 'list':
      return renderList(token as Tokens.List);
    case 'hr':
      return <hr />;
    case 'strong':
      return <strong>{renderAll(token.tokens)}</strong>;
    case 'em':
      return <em>{renderAll(token.tokens)}</em>;
    case 'del':
      return <del>{renderAll(token.tokens)}</del>;
    case 'codespan':
      return <Code text={token.text} />;
    case 'br':
      return <br />;
    case 'link':
    case 'image':
      return renderLink(token as Tokens.Link | Tokens.Image);
    case 'escape':
      return token.text;
    case 'text':
      return 'tokens' in token && token.tokens ? renderAll(token.tokens) : withEntities(token.text);
    default:
      // HTML, tables and whatever a later parser knows: as typed.
      return token.raw;
  }
}

function renderList({ ordered, start, items }: Tokens.List): ReactNode {
  const rows = items.map((item, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: items have no other identity.
    <li key={index}>{renderAll(item.tokens)}</li>
  ));
  return ordered ? <ol start={start === '' ? 1 : start}>{rows}</ol> : <ul>{rows}</ul>;
}

function renderLink(token: Tokens.Link | Tokens.Image): ReactNode {
  const label = token.type === 'image' ? token.text || token.href : renderAll(token.tokens);
  const href = safeHref(token.href);
  if (href === null) return token.raw;
  return (
    <a href={href} target="_blank" rel="noopener noreferrer nofollow ugc">
      {label}
    </a>
  );
}

/** The lexer leaves entities as typed; the few that people type are shown as they mean. */
function withEntities(source: string): string {
  return source.replace(/&(amp|lt|gt|quot|#39);/g, (entity) => ENTITIES[entity] ?? entity);
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#39;': "'",
};
