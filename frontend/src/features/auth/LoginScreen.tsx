import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { codeOf } from '../../shared/graphql/errors.ts';
import { errorText, text } from '../../shared/i18n/text.ts';
import { Button } from '../../shared/ui/Button.tsx';
import { Field } from '../../shared/ui/Field.tsx';
import { AuthScreen } from './AuthScreen.tsx';
import { login } from './session.ts';

export function LoginScreen() {
  const { next } = useSearch({ from: '/login' });
  const navigate = useNavigate();
  const [username, setUsername] = useState('');
  const [password, setPassword] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);

  const submit = async () => {
    if (busy) return;
    if (!username.trim() || !password) {
      setError(text.auth.incomplete);
      return;
    }
    setBusy(true);
    setError(null);
    try {
      await login({ username: username.trim(), password });
      await navigate({ to: next ?? '/rooms', replace: true });
    } catch (failure) {
      const code = codeOf(failure);
      const wrong = code === 'UNAUTHENTICATED' || code === 'BAD_USER_INPUT';
      setError(wrong ? text.auth.wrong : errorText(code));
    } finally {
      setBusy(false);
    }
  };

  return (
    <AuthScreen
      title={text.auth.loginTitle}
      error={error}
      onSubmit={() => void submit()}
      foot={
        <>
          {text.auth.noAccount}{' '}
          <Link to="/register" search={{ next }}>
            {text.auth.register}
          </Link>
        </>
      }
    >
      <Field
        label={text.auth.username}
        name="username"
        autoComplete="username"
        autoCapitalize="none"
        spellCheck={false}
        required
        value={username}
        onChange={(event) => setUsername(event.target.value)}
      />
      <Field
        label={text.auth.password}
        name="password"
        type="password"
        autoComplete="current-password"
        required
        value={password}
        onChange={(event) => setPassword(event.target.value)}
      />
      <Button type="submit" look="primary" disabled={busy}>
        {text.auth.login}
      </Button>
    </AuthScreen>
  );
}
