/** CurlExample is the shortest request that shows what a key may do, ready to be copied. */
import { CodeBlock } from '../../ui/code-block.tsx';
import classes from './api-keys.module.css';

export function CurlExample({ secret = '$BULKHEAD_KEY' }: { readonly secret?: string }) {
  return (
    <div className={classes.example}>
      <CodeBlock>
        <code className="language-sh">{`curl -H "Authorization: Bearer ${secret}" \\\n  ${location.origin}/api/v1/session`}</code>
      </CodeBlock>
    </div>
  );
}
